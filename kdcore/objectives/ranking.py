"""Ranking distillation: the student orders the ads of a query as its teacher does.

Every loss here reads s and t, one number per ad of student and teacher: (lists, longest) log-odds
of relevance, 0 at padding, and mask, (lists, longest), False at padding. A loss is the mean over
the pairs or ads of a list (plackett_luce: the sum over its places), then over the lists that it
can say something about. A batch without such a list gives 0. Adding a constant to the numbers of a
list changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdcore.errors import ConfigError
from kdcore.objectives.base import Objective, Shape, problems_of_grades
from kdcore.objectives.lists import Lists, log_odds, mean_over_lists, mean_within
from kdcore.outputs import Outputs

FLAT = 1e-3  # a list whose log-odds spread less than this has no order to correlate with


def margin_mse(s: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    """Mean over pairs of ((s_i - s_j) - (t_i - t_j))²; the sign of a margin counts.

    Hofstätter et al. 2020 (arXiv:2010.02666), over all pairs of a list instead of one
    (positive, negative). The sum over pairs is n times the squared deviation of s - t, so no pair
    is formed: 2n / (n - 1) times the variance. 0 when the margins agree.
    """
    size = mask.sum(dim=1)
    gap = (s - t) * mask
    deviation = (gap - (gap.sum(dim=1) / size.clamp_min(1))[:, None]) * mask
    pairs = 2 * deviation.square().sum(dim=1) / (size - 1).clamp_min(1)
    return mean_over_lists(pairs, size >= 2)


def list_kl(
    s: Tensor,
    t: Tensor,
    mask: Tensor,
    temperature: float = 1.0,
    teacher_temperature: float = 0.0,
) -> Tensor:
    """T² · KL(teacher ‖ student) of softmax over the ads of a list, T the student's.

    ListNet's top-one probabilities (Cao et al. 2007) with a teacher in place of labels. T² keeps
    the gradient's size while T changes. teacher_temperature 0 takes the student's. 0 when s = t and
    both temperatures are equal.
    """
    lowest = torch.finfo(s.dtype).min / 2  # -inf would give inf - inf where a list is padded
    log_q = F.log_softmax((s / temperature).masked_fill(~mask, lowest), dim=1)
    log_p = F.log_softmax(
        (t / (teacher_temperature or temperature)).masked_fill(~mask, lowest), dim=1
    )
    divergence = (log_p.exp() * (log_p - log_q).masked_fill(~mask, 0.0)).sum(dim=1)
    return mean_over_lists(divergence * temperature**2, mask.sum(dim=1) >= 2)


def ranknet(s: Tensor, t: Tensor, mask: Tensor, soft: bool = False) -> Tensor:
    """Mean over pairs of softplus(-(s_i - s_j)), the teacher's better ad first, natural log.

    Burges et al. 2005, with sigma 1. Pairs that tie for the teacher are left out. soft: the
    target of every pair is the teacher's own sigmoid(t_i - t_j) instead of 1. Never 0: the floor
    falls as the margins grow (hard), or is the entropy of the teacher's targets (soft).
    """
    margin, lead = _gaps(s), _gaps(t)
    both = mask[:, :, None] & mask[:, None, :]
    if soft:
        longest = s.shape[1]
        once = torch.ones(longest, longest, dtype=torch.bool, device=s.device).triu(1)
        pairs = both & once
        loss = F.binary_cross_entropy_with_logits(margin, lead.sigmoid(), reduction="none")
    else:
        pairs = both & (lead > 0)
        loss = F.softplus(-margin)
    return mean_over_lists(mean_within(loss, pairs), pairs.sum(dim=(1, 2)) > 0)


def adr_mse(s: Tensor, t: Tensor, mask: Tensor, alpha: float = 1.0) -> Tensor:
    """Mean over ads of (rank_i - r_i)² / log2(rank_i + 1): a mistake near the top costs more.

    Schlatt et al. 2025, Rank-DistiLLM. rank_i is the teacher's; equal ads share their mean rank.
    r_i = 1 + Σ_{j≠i} sigmoid(alpha (s_j - s_i)) is the student's, made smooth. Not 0 when s = t: it
    falls to 0 as the student keeps the order with wider gaps.
    """
    others = mask[:, None, :] & ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
    lead = _gaps(t)  # t_i - t_j
    rank = 1 + (others & (lead < 0)).sum(dim=2) + (others & (lead == 0)).sum(dim=2) / 2
    smooth = 1 + (torch.sigmoid(-alpha * _gaps(s)) * others).sum(dim=2)
    loss = (rank - smooth).square() / torch.log2(rank + 1)
    return mean_over_lists(mean_within(loss, mask), mask.sum(dim=1) >= 2)


def plackett_luce(
    s: Tensor,
    t: Tensor,
    mask: Tensor,
    top: int = 0,
    samples: int = 0,
    temperature: float = 1.0,
) -> Tensor:
    """-Σ over the first `top` places of s_π(i) - logsumexp(s_π(i..n)), π the teacher's order.

    ListMLE (Xia et al. 2008) with the teacher's order, and RankDistil (Reddi et al. 2021) on the
    top places; top 0 takes all. samples: instead of the one order, the mean over orders drawn from
    the Plackett-Luce model of t / temperature. Never 0: it falls as the student's gaps grow.
    """
    if samples:
        noise = -torch.empty(samples, *t.shape, device=t.device, dtype=t.dtype).exponential_().log()
        s, t, mask = (x.repeat(samples, 1) for x in (s, t / temperature, mask))
        t = t + noise.flatten(0, 1)
    order = t.masked_fill(~mask, -torch.inf).argsort(dim=1, descending=True, stable=True)
    ranked, real = s.gather(1, order), mask.gather(1, order)
    longest = s.shape[1]
    places = torch.arange(longest, device=s.device)
    left = (places >= places[:, None]) & real[:, None, :]  # the ads that are not yet placed
    lowest = torch.finfo(s.dtype).min / 2
    rest = ranked[:, None, :].expand(-1, longest, -1).masked_fill(~left, lowest)
    loss = torch.logsumexp(rest, dim=2) - ranked
    counts = real & (places < (top or longest))
    return mean_over_lists((loss * counts).sum(dim=1), mask.sum(dim=1) >= 2)


def pearson(s: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    """1 - correlation of s and t over a list: order and spacing, blind to scale; 0 to 2.

    Lists that the teacher finds flat are left out; a student that finds one flat gets 1, with a
    gradient that stays bounded.
    """
    s, t = _centered(s, mask), _centered(t, mask)
    s_norm, t_norm = (torch.linalg.vector_norm(x, dim=1) for x in (s, t))
    product = (s * t).sum(dim=1) / (s_norm.clamp_min(FLAT) * t_norm.clamp_min(FLAT))
    return mean_over_lists(1 - product, (mask.sum(dim=1) >= 2) & (t_norm > FLAT))


def _gaps(x: Tensor) -> Tensor:
    """(lists, longest, longest) x_i - x_j."""
    return x[:, :, None] - x[:, None, :]


def _centered(x: Tensor, mask: Tensor) -> Tensor:
    return (x - mean_within(x, mask)[:, None]) * mask


Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Ranking:
    """A loss over the ads of each query as an objective."""

    loss: Loss
    relevant_from: int

    def __call__(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Mean loss of the batch's lists; the query ids stand in the teacher's Outputs."""
        if teacher.queries is None:
            raise ValueError(
                "ranking compares the ads of one query, and the batch has no query ids"
            )
        lists = Lists.of(teacher.queries)
        s = lists.fill(log_odds(student.logits, self.relevant_from))
        t = lists.fill(log_odds(teacher.logits, self.relevant_from))
        return self.loss(s, t, lists.mask)


def objective(params: Any, student: Shape, teacher: Shape) -> Objective:
    """Ranking distillation with these knobs (params.RankingParams)."""
    relevant_from = student.relevant_from or (1 if student.classes == 2 else 0)
    problems = problems_of_grades(student, teacher)
    if not relevant_from:
        problems.append(
            f"method: ranking needs the first of the {student.classes} grades that counts as "
            "relevant, and the label scheme did not name it"
        )
    if problems:
        raise ConfigError("This student cannot learn a ranking from this teacher:", problems)
    losses: dict[str, Loss] = {
        "margin_mse": margin_mse,
        "list_kl": partial(
            list_kl,
            temperature=params.temperature,
            teacher_temperature=params.teacher_temperature,
        ),
        "ranknet": partial(ranknet, soft=params.soft_targets),
        "adr_mse": partial(adr_mse, alpha=params.alpha),
        "plackett_luce": partial(
            plackett_luce, top=params.top, samples=params.samples, temperature=params.temperature
        ),
        "pearson": pearson,
    }
    return Ranking(losses[params.loss], relevant_from)
