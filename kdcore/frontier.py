"""What weighing defects costs: revenue against defect over w, and the price of distillation."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.auction import Auction, Floats, Rules
from kdcore.metrics.significance import bootstrap_weights, interval


@dataclass(frozen=True)
class Frontier:
    """What one model's auction earns and lets through at each weight.

    weights: (weights,) ascending. revenue, defects, judged: (weights, queries) expected dollars a
    search, summed pDefect of the ads shown as the judge sees it, and how many of them it judged.
    empty: (weights,) mean empty slots a search.
    """

    weights: Floats
    revenue: Floats
    defects: Floats
    judged: Floats
    empty: Floats

    @property
    def mean_revenue(self) -> Floats:
        """(weights,) dollars a search."""
        return np.asarray(self.revenue.mean(axis=1))

    @property
    def mean_defect(self) -> Floats:
        """(weights,) mean pDefect of the judged ads shown; nan where there is none."""
        return _share(self.defects.sum(axis=1), self.judged.sum(axis=1))


def frontier(
    auction: Auction,
    weights: NDArray[Any],
    rules: Rules | None = None,
    judge: NDArray[Any] | None = None,
) -> Frontier:
    """Hold the auction at every weight; rules.weight is not read.

    judge: (pairs,) pDefect by which defects are counted, nan where unknown; None: the auction's
    own model, which flatters it.
    """
    rules = rules or Rules()
    weights = np.sort(np.asarray(weights, dtype=np.float64))
    judge = auction.p_defect if judge is None else np.asarray(judge, dtype=np.float64)
    known, counted = np.isfinite(judge), np.nan_to_num(judge)
    rows = []
    for weight in weights:
        held = auction.hold(replace(rules, weight=float(weight)))
        judged = held.shown & known
        empty = held.empty_slots.mean() if auction.groups[1] else np.nan
        parts = (held.revenue, counted * judged, judged)
        rows.append((*(held.per_query(part) for part in parts), empty))
    revenue, defects, seen, empty = (np.asarray(column) for column in zip(*rows, strict=True))
    return Frontier(weights, revenue, defects, seen, empty)


@dataclass(frozen=True)
class Price:
    """The price of distillation: revenue of the student against the teacher at equal defect.

    defect: the teacher's mean pDefect at the weight asked for. teacher, student: dollars a search
    at that defect. change: student / teacher - 1, with its 95 % interval; nan where the student
    lets through more defects at every weight, or nothing is earned.
    """

    defect: float
    teacher: float
    student: float
    change: float
    low: float
    high: float
    queries: int

    @property
    def conclusive(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def price_of_distillation(
    teacher: Frontier, student: Frontier, weight: float, resamples: int = 1000, seed: int = 0
) -> Price:
    """Revenue lost at equal defect; whole queries are drawn again, the same ones for both.

    Both frontiers need the same judge, rules, weights and queries. At a level of defect a model
    earns the best that any of its weights earns with no more defects, straight lines between.
    """
    queries = teacher.revenue.shape[1]
    found = _at_equal_defect(teacher, student, weight, np.ones((1, queries)))
    draws = [found[:0]]
    if queries > 1:  # one query drawn again and again would feign certainty
        draws += [
            _at_equal_defect(teacher, student, weight, counts)
            for counts in bootstrap_weights(queries, resamples, seed)
        ]
    low, high = interval(_change(np.concatenate(draws))[:, None])
    change = float(_change(found)[0])
    ends = (float(low[0]), float(high[0])) if np.isfinite(change) else (np.nan, np.nan)
    level, earned, kept = map(float, found[0])
    return Price(level, earned, kept, change, *ends, queries)


def _at_equal_defect(teacher: Frontier, student: Frontier, weight: float, counts: Floats) -> Floats:
    """(draws, 3) the teacher's defect at the weight; revenue of teacher and student there."""
    curves = [
        (
            counts @ each.revenue.T / counts.shape[1],
            _share(counts @ each.defects.T, counts @ each.judged.T),
        )
        for each in (teacher, student)
    ]
    rows = []
    for draw in range(len(counts)):
        level = float(np.interp(weight, teacher.weights, curves[0][1][draw]))
        rows.append([level, *(_best(defect[draw], money[draw], level) for money, defect in curves)])
    return np.asarray(rows, dtype=np.float64).reshape(-1, 3)


def _best(defect: Floats, revenue: Floats, level: float) -> float:
    """The most that is earned with at most this defect; nan when every weight lets through more."""
    known = np.isfinite(defect)
    order = np.argsort(defect[known], kind="stable")
    x, y = defect[known][order], np.maximum.accumulate(revenue[known][order])
    slack = 1e-12  # a model compared with itself reaches its own level
    if not len(x) or not level >= x[0] - slack:
        return float("nan")
    return float(np.interp(level, x, y))


def _change(found: Floats) -> Floats:
    return _share(found[:, 2], found[:, 1]) - 1


def _share(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))
