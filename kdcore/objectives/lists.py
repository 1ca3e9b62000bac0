"""The ads of one query as a list: one number per ad, padded lists and means over them.

A list is what ranking losses compare: the ads of one query that meet in a batch, at least two. The
number of an ad is its log-odds of relevance and never a probability, which saturates.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


def log_odds(logits: Tensor, relevant_from: int) -> Tensor:
    """Return (batch,) log P(relevant) / P(not relevant) at T = 1 from (batch, classes) logits.

    The log-sum-exp of the relevant grades minus that of the others; with two grades the gap of the
    two logits. The same as kdcore.scores.log_odds, which reads arrays.
    """
    relevant, rest = logits[:, relevant_from:], logits[:, :relevant_from]
    return torch.logsumexp(relevant, dim=1) - torch.logsumexp(rest, dim=1)


@dataclass(frozen=True)
class Lists:
    """Which rows of a batch form each list.

    rows: (lists, longest) int64, a row of the batch; 0 at padding. mask: (lists, longest), False at
    padding. Pairs without a query (id -1) and queries with one ad are in no list.
    """

    rows: Tensor
    mask: Tensor

    @classmethod
    def of(cls, queries: Tensor) -> "Lists":
        """Group (batch,) query ids, in ascending order of the ids."""
        order = torch.argsort(queries, stable=True)
        ids, sizes = torch.unique_consecutive(queries[order], return_counts=True)
        starts = sizes.cumsum(0) - sizes
        several = (sizes >= 2) & (ids >= 0)
        starts, sizes = starts[several], sizes[several]
        longest = int(sizes.max()) if len(sizes) else 0
        place = torch.arange(longest, device=queries.device)
        mask = place < sizes[:, None]
        at = (starts[:, None] + place) * mask
        return cls(order[at] * mask, mask)

    def fill(self, values: Tensor) -> Tensor:
        """Lay (batch,) values out as (lists, longest), 0 at padding."""
        return values[self.rows] * self.mask


def mean_within(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of the entries that mask keeps, over every axis but the first; 0 where it keeps none."""
    axes = tuple(range(1, values.dim()))
    return (values * mask).sum(axes) / mask.sum(axes).clamp_min(1)


def mean_over_lists(values: Tensor, counts: Tensor) -> Tensor:
    """Mean of (lists,) losses over the lists that count; 0 when none does, with a zero gradient.

    Every list weighs the same, so that a query with many ads does not rule.
    """
    return (values * counts).sum() / counts.sum().clamp_min(1)
