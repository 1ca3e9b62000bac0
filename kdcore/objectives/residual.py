"""Residual distillation: a student resembles its teacher, then an assistant learns what it misses.

Gao et al. 2020 (arXiv:2002.09168): the student S learns to give the teacher's feature f_T, then the
assistant A, with S frozen, learns the error that is left: ‖f_A - (f_T - f_S)‖². Both answer
together, with f_S + f_A. As this is ‖(f_S + f_A) - f_T‖², one loss serves both phases: it reads the
features of the model, which are f_S until the assistant answers, and f_S + f_A from then on. What
learns in which phase is decided outside (recipes/phases.py).

Where widths differ, both are compared in the teacher's width, through a linear map of f_S that the
student learns and that rests with it. Only the paper's abstract was read: the form of the losses
follows from it and was not checked against the paper's equations. The correction of logits is ours.
"""

from typing import Any

from kdcore.objectives import feature, response
from kdcore.objectives.base import Objective, Shape
from kdcore.objectives.params import FeatureParams, ResponseParams


def objective(params: Any, student: Shape, teacher: Shape) -> Objective:
    """Residual distillation with these knobs (params.ResidualParams)."""
    if params.on == "logits":
        return response.objective(ResponseParams(loss="mse_logits"), student, teacher)
    return feature.objective(FeatureParams(), student, teacher)
