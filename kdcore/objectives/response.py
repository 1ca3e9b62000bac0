"""Response distillation: the student matches the teacher's logits or soft labels."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from kdcore.errors import ConfigError
from kdcore.objectives.base import Objective, Shape
from kdcore.outputs import Outputs


def soft_kl(
    student_logits: Tensor,
    teacher_logits: Tensor,
    temperature: float,
    teacher_temperature: float = 0.0,
) -> Tensor:
    """T² · KL(teacher ‖ student) of the softened distributions, mean over the batch.

    Hinton et al. 2015 (arXiv:1503.02531), §2: softmax of Eq. 1, times T² because the
    gradient of soft labels shrinks as 1/T². Exactly 0 when the two agree.

    Args:
        student_logits, teacher_logits: (batch, classes).
        teacher_temperature: the teacher's own T; 0 takes the student's.
    """
    log_q = F.log_softmax(student_logits / temperature, dim=-1)
    log_p = F.log_softmax(teacher_logits / (teacher_temperature or temperature), dim=-1)
    return F.kl_div(log_q, log_p, reduction="batchmean", log_target=True) * temperature**2


def soft_cross_entropy(
    student_logits: Tensor,
    teacher_logits: Tensor,
    temperature: float,
    teacher_temperature: float = 0.0,
) -> Tensor:
    """T² · cross-entropy on soft targets: soft_kl plus the teacher's entropy, same gradient."""
    log_q = F.log_softmax(student_logits / temperature, dim=-1)
    p = F.softmax(teacher_logits / (teacher_temperature or temperature), dim=-1)
    return -(p * log_q).sum(dim=-1).mean() * temperature**2


def mse_logits(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Half the mean squared difference of zero-mean logits, mean over batch and classes.

    Ba & Caruana 2014 (arXiv:1312.6184); the limit of soft_kl as T grows (Hinton §2.1). Logits
    are centered because adding a constant to all of them changes no probability.
    """
    gap = _centered(student_logits) - _centered(teacher_logits)
    return gap.square().mean() / 2


def mse_probabilities(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Mean squared difference of probabilities at T = 1, summed over the grades above the worst.

    With two grades this is the tutorial's student_kd: MSE of P(relevant).
    """
    gap = student_logits.softmax(dim=-1) - teacher_logits.softmax(dim=-1)
    return gap[:, 1:].square().sum(dim=-1).mean()


def _centered(logits: Tensor) -> Tensor:
    return logits - logits.mean(dim=-1, keepdim=True)


@dataclass(frozen=True)
class Response:
    """A loss of the logits as an objective."""

    loss: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Mean loss of a batch."""
        return self.loss(student.logits, teacher.logits)


def objective(params: Any, student: Shape, teacher: Shape) -> Objective:
    """Response distillation with these knobs (catalog.ResponseParams)."""
    if student.classes != teacher.classes:
        raise ConfigError(
            "This student cannot learn from this teacher:",
            [
                f"method: {student.classes} grades cannot match the teacher's {teacher.classes}; "
                "choose a teacher that was trained on the same grades"
            ],
        )
    temperatures = {
        "temperature": params.temperature,
        "teacher_temperature": params.teacher_temperature,
    }
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "kl": partial(soft_kl, **temperatures),
        "ce": partial(soft_cross_entropy, **temperatures),
        "mse_logits": mse_logits,
        "mse_probabilities": mse_probabilities,
    }
    return Response(losses[params.loss])
