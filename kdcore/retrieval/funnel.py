"""The funnel: all ads, then those that ANN finds, that the student keeps, that the teacher orders.

Every step is measured against the best of all ads, so an ad that one step drops counts as lost
in all later steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdcore.metrics.ranking import dcg
from kdcore.retrieval.exact import Ids, order_by

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Candidates:
    """What one query's funnel works on: ids in the order in which ANN gives them.

    student, teacher: (candidates,) their ranking scores of these ads. gains: (candidates,) what
    each is worth by the truth. best: (depth,) the largest gains among all ads, largest first.
    """

    ids: Ids
    student: Floats
    teacher: Floats
    gains: Floats
    best: Floats


def ndcg_of(gains: NDArray[np.floating], best: NDArray[np.floating], depth: int) -> float:
    """nDCG of gains in the order shown, against the best of all ads; nan where no ad has a gain."""
    ideal = _dcg(best, depth)
    return _dcg(gains, depth) / ideal if ideal > 0 else float("nan")


def _dcg(gains: NDArray[np.floating], depth: int) -> float:
    top = np.zeros((1, depth))
    top[0, : len(gains)] = gains[:depth]
    return float(dcg(top)[0, -1])


@dataclass(frozen=True)
class Cuts:
    """How many ads each step hands on: ANN to the student, the student to the teacher."""

    candidates: int = 100
    reordered: int = 100

    def shown(self, each: Candidates) -> NDArray[np.int64]:
        """Places of one query's candidates in the order in which the funnel shows them."""
        places = np.arange(min(self.candidates, len(each.ids)))
        top = places[order_by(each.student[places], each.ids[places])][: self.reordered]
        by_teacher = top[order_by(each.teacher[top], each.ids[top])]
        rest = places[~np.isin(places, top)]
        return np.concatenate([by_teacher, rest[order_by(each.student[rest], each.ids[rest])]])


@dataclass(frozen=True)
class Step:
    """A step of the funnel: ads per query that it reads, and its nDCG per query."""

    name: str
    ads: int
    ndcg: Floats  # (queries,)


def steps(
    queries: Sequence[Candidates], cuts: Cuts, depth: int, ads: int
) -> tuple[Step, Step, Step]:
    """nDCG@depth after ANN, after the student and after the teacher, per query.

    ads: how many ads there are in all.
    """
    most = min(cuts.candidates, ads)
    after: tuple[list[float], list[float], list[float]] = ([], [], [])
    for each in queries:
        places = np.arange(min(most, len(each.ids)))
        by_student = places[order_by(each.student[places], each.ids[places])]
        for values, shown in zip(after, (places, by_student, cuts.shown(each)), strict=True):
            values.append(ndcg_of(each.gains[shown], each.best, depth))
    names, counts = ("ANN", "student", "teacher"), (ads, most, min(cuts.reordered, most))
    return tuple(  # type: ignore[return-value]
        Step(name, count, np.array(values))
        for name, count, values in zip(names, counts, after, strict=True)
    )


@dataclass(frozen=True)
class Losses:
    """Where a funnel loses nDCG, per query: what is left of 1 after all three is what it reaches.

    cut: worth more than any of the first ads that exact search would hand on. index: dropped by
    the index. order: handed on, and not put first.
    """

    cut: Floats
    index: Floats
    order: Floats


def losses(
    exact: Sequence[Candidates], queries: Sequence[Candidates], cuts: Cuts, depth: int
) -> Losses:
    """Where nDCG@depth is lost; exact: what exact search would hand on, queries: what ANN does."""

    def reachable(each: Candidates) -> float:
        handed = np.sort(each.gains[: cuts.candidates])[::-1]
        return ndcg_of(handed, each.best, depth)

    whole = np.array([reachable(each) for each in exact])
    by_index = np.array([reachable(each) for each in queries])
    shown = np.array([ndcg_of(e.gains[cuts.shown(e)], e.best, depth) for e in queries])
    return Losses(1 - whole, whole - by_index, by_index - shown)


def ceiling(gains_in_order: NDArray[np.floating], best: NDArray[np.floating], depth: int) -> Floats:
    """(ads,) the nDCG@depth that a perfect later step could still reach from the first n ads.

    gains_in_order: (ads,) gains in the order in which ads are found. The curve rises with n and
    ends at 1.
    """
    ideal = _dcg(best, depth)
    curve = np.full(len(gains_in_order), np.nan)
    if ideal <= 0:
        return curve
    top = np.zeros(depth)  # the largest gains so far, largest first
    value = 0.0
    for place, gain in enumerate(np.asarray(gains_in_order, dtype=np.float64)):
        if gain > top[-1]:
            top[-1] = gain
            top[::-1].sort()
            value = _dcg(top, depth) / ideal
        curve[place] = value
    return curve
