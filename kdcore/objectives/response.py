"""Response distillation: the student matches the teacher's logits or soft labels."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdcore.errors import ConfigError
from kdcore.objectives.base import Objective, Shape, problems_of_grades
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


def standardized_kl(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """soft_kl of logits with mean 0 and standard deviation 1 in each row, on both sides.

    Sun et al. 2024 (arXiv:2403.01427): the student learns the shape of the teacher's logits and not
    their scale. For three grades and more: with two, every row becomes ±0.7071. 0 when one side is
    the other, shifted and stretched.
    """
    return soft_kl(_standardized(student_logits), _standardized(teacher_logits), temperature)


def decoupled_parts(
    student_logits: Tensor, teacher_logits: Tensor, grades: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """T² times the KL of target against rest (TCKD), and of the grades within the rest (NCKD).

    Zhao et al. 2022 (arXiv:2203.08679). Row by row KL = TCKD + (1 - p_target) · NCKD, so a sure
    teacher hides what it knows of the other grades; weighing the parts apart brings it back. Both
    are 0 when the two agree.

    Args:
        student_logits, teacher_logits: (batch, classes), three classes or more.
        grades: (batch,) the target; -1, a pair without a label, takes the teacher's likeliest
            grade (ours).
    """
    grades = grades.where(grades >= 0, teacher_logits.argmax(dim=-1))
    target = F.one_hot(grades, teacher_logits.shape[-1]).bool()
    lowest = torch.finfo(student_logits.dtype).min / 2  # -inf - -inf would not be a number
    two, rest = [], []
    for logits in (teacher_logits / temperature, student_logits / temperature):
        others = logits.masked_fill(target, lowest)
        halves = [logits.masked_fill(~target, 0).sum(dim=-1), torch.logsumexp(others, dim=-1)]
        two.append(torch.stack(halves, dim=-1).log_softmax(dim=-1))
        rest.append(others.log_softmax(dim=-1).masked_fill(target, lowest))
    target_part, other_part = (
        F.kl_div(log_q, log_p, reduction="batchmean", log_target=True) * temperature**2
        for log_p, log_q in (two, rest)
    )
    return target_part, other_part


def dist(
    student_logits: Tensor,
    teacher_logits: Tensor,
    temperature: float = 1.0,
    between: float = 1.0,
    within: float = 1.0,
) -> Tensor:
    """T² · (between · (1 - corr over the grades) + within · (1 - corr over the batch)).

    Huang et al. 2022, DIST (arXiv:2205.10536): the correlation of probabilities, first of each
    pair's grades, then of each grade's pairs; both means. The teacher's scale is not copied. 0 when
    the two agree; a batch of one pair has no second part, which is then 1.
    """
    q, p = ((z / temperature).softmax(dim=-1) for z in (student_logits, teacher_logits))
    parts = (
        1 - F.cosine_similarity(_centered(a), _centered(b), dim=-1).mean()
        for a, b in ((q, p), (q.T, p.T))
    )
    first, second = parts
    return (between * first + within * second) * temperature**2


def _standardized(logits: Tensor) -> Tensor:
    centered = _centered(logits)
    variance = centered.square().sum(dim=-1, keepdim=True) / (logits.shape[-1] - 1)
    return centered / (variance.clamp_min(1e-14).sqrt() + 1e-7)  # flat rows: a finite gradient


def _centered(logits: Tensor) -> Tensor:
    return logits - logits.mean(dim=-1, keepdim=True)


@dataclass(frozen=True)
class Response:
    """A loss of the logits as an objective."""

    loss: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Mean loss of a batch."""
        return self.loss(student.logits, teacher.logits)


@dataclass(frozen=True)
class Decoupled:
    """The decoupled parts of the soft labels, weighted, as an objective."""

    temperature: float
    target_weight: float
    other_weight: float

    def __call__(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Mean loss of a batch; the hard labels stand in the teacher's Outputs."""
        if teacher.grades is None:
            raise ValueError("decoupled parts need hard labels, and the batch has none")
        parts = decoupled_parts(student.logits, teacher.logits, teacher.grades, self.temperature)
        return self.target_weight * parts[0] + self.other_weight * parts[1]


EMPTY_ON_TWO_GRADES = {
    "standardized": "every standardized logit is ±0.7071, so the loss is 0 where the signs agree",
    "decoupled": "the part of the other grades is always 0",
    "dist": "its correlation over the grades is 1 or -1, so that part is 0 or 2",
}


def objective(params: Any, student: Shape, teacher: Shape) -> Objective:
    """Response distillation with these knobs (params.ResponseParams)."""
    problems = problems_of_grades(student, teacher)
    if student.classes == 2 and params.loss in EMPTY_ON_TWO_GRADES:
        problems.append(
            f"loss: {params.loss!r} teaches nothing on two grades: "
            f"{EMPTY_ON_TWO_GRADES[params.loss]}; choose 'kl', or ranking with 'pearson'"
        )
    if problems:
        raise ConfigError("This student cannot learn from this teacher:", problems)
    if params.loss == "decoupled":
        return Decoupled(params.temperature, params.target_weight, params.other_weight)
    if params.loss == "dist":
        weights = {"between": params.between_weight, "within": params.within_weight}
        return Response(partial(dist, temperature=params.temperature, **weights))
    temperatures = {
        "temperature": params.temperature,
        "teacher_temperature": params.teacher_temperature,
    }
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "kl": partial(soft_kl, **temperatures),
        "ce": partial(soft_cross_entropy, **temperatures),
        "mse_logits": mse_logits,
        "mse_probabilities": mse_probabilities,
        "standardized": partial(standardized_kl, temperature=params.temperature),
    }
    return Response(losses[params.loss])
