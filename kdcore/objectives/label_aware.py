"""Label-aware distillation: a soft label counts more where it agrees with the label.

A label-aware weighting in the spirit of the paper; not its published formula, which was not
available to us.
Li et al. 2019 (arXiv:1901.10710) fine-tune a student on pairs that have a label and a score, with a
loss that weighs one by the other. Ours, for K grades: a is the teacher's probability of the label,

    w = a^g / mean(a^g) over the labelled pairs of the batch,  target = m · onehot + (1 - m) · p_T,

and the loss is the mean of w times the cross-entropy with the target. A pair without a label has
the weight 1 and learns the soft label alone.
"""

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from kdcore.errors import ConfigError
from kdcore.objectives.base import Objective, Shape, problems_of_grades
from kdcore.outputs import Outputs

NEVER = -100.0  # log-probability of a label that the teacher all but excludes


def agreement_weights(teacher_logits: Tensor, grades: Tensor, agreement: float) -> Tensor:
    """(batch,) the weight of each pair, whose mean over the labelled pairs is 1.

    Args:
        teacher_logits: (batch, classes); a is read at T = 1.
        grades: (batch,), -1 without a label: such a pair weighs 1.
        agreement: g; 0 weighs all pairs equally.
    """
    labelled = grades >= 0
    log_a = teacher_logits.log_softmax(dim=-1).gather(-1, grades.clamp_min(0)[:, None])[:, 0]
    # the largest is subtracted, which changes no ratio: a high power of small numbers stays one
    log_a = log_a.clamp_min(NEVER).where(labelled, log_a.new_tensor(NEVER))
    powers = (agreement * (log_a - log_a.max())).exp() * labelled
    mean = powers.sum() / labelled.sum().clamp_min(1)
    return (powers / mean.clamp_min(1e-30)).where(labelled, powers.new_tensor(1.0))


def label_aware(
    student_logits: Tensor,
    teacher_logits: Tensor,
    grades: Tensor,
    agreement: float,
    label_share: float,
    temperature: float,
) -> Tensor:
    """The mean of w · (m · CE(label) + (1 - m) · T² · CE(soft label at T)).

    At T = 1 the bracket is one cross-entropy with the target m · onehot + (1 - m) · p. At another T
    the soft part is that of Hinton et al. 2015: both sides at T, times T²; the label's stays at 1.

    Args:
        student_logits, teacher_logits: (batch, classes). grades: (batch,), -1 without a label.
        agreement, label_share: g and m.
    """
    soft = (teacher_logits / temperature).softmax(dim=-1)
    softened = (student_logits / temperature).log_softmax(dim=-1)
    soft_part = -(soft * softened).sum(dim=-1) * temperature**2
    label_part = F.cross_entropy(student_logits, grades.clamp_min(0), reduction="none")
    share = label_share * (grades >= 0)
    weights = agreement_weights(teacher_logits, grades, agreement)
    return (weights * (share * label_part + (1 - share) * soft_part)).mean()


@dataclass(frozen=True)
class LabelAware:
    """The loss as an objective; a batch whose grades are not given has no labels."""

    agreement: float
    label_share: float
    temperature: float

    def __call__(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Mean loss of a batch."""
        grades = teacher.grades
        if grades is None:
            grades = student.logits.new_full((len(student.logits),), -1).long()
        knobs = self.agreement, self.label_share, self.temperature
        return label_aware(student.logits, teacher.logits, grades, *knobs)


def objective(params: Any, student: Shape, teacher: Shape) -> Objective:
    """Label-aware distillation with these knobs (params.LabelAwareParams)."""
    if problems := problems_of_grades(student, teacher):
        raise ConfigError("This student cannot learn from this teacher:", problems)
    return LabelAware(params.agreement, params.label_share, params.temperature)
