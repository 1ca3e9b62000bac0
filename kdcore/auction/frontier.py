"""Compute what weighing defects costs: revenue against defect over w, the price of distillation."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.auction.rules import Auction, Floats, Ints, Rules
from kdcore.metrics.ranking import share
from kdcore.metrics.significance import Support, interval, resampled

Curves = tuple[Floats, Floats]  # (draws, weights) each: dollars per search, mean pDefect shown
RESAMPLES = 1000


@dataclass(frozen=True)
class Frontier:
    """The revenue and the defects of one model's auction at each weight.

    weights: (weights,) ascending. revenue, defects, counts: (weights, queries) expected dollars per
    search, summed pDefect of the shown ads by the judge, and how many of them it knows.
    empty: (weights,) mean empty slots per search.
    """

    weights: Floats
    revenue: Floats
    defects: Floats
    counts: Floats
    empty: Floats

    def curves(self, counts: Floats) -> Curves:
        """Return both curves when each query is drawn (draws, queries) times."""
        money = counts @ self.revenue.T / counts.sum(axis=1, keepdims=True)
        return money, share(counts @ self.defects.T, counts @ self.counts.T)

    @cached_property
    def drawn(self) -> Curves:
        """Both curves of 1000 bootstrap samples of the queries: the same samples for every model.

        Computed once, so that the price at another weight is a look-up.
        """
        queries, columns = self.revenue.shape[1], 2 * len(self.weights)
        draws = resampled(lambda c: np.hstack(self.curves(c)), queries, RESAMPLES, columns)
        return draws[:, : len(self.weights)], draws[:, len(self.weights) :]

    @property
    def mean_revenue(self) -> Floats:
        """(weights,) dollars per search."""
        return np.asarray(self.revenue.mean(axis=1))

    @property
    def mean_defect(self) -> Floats:
        """(weights,) mean pDefect of the shown ads that the judge knows; nan without any."""
        return share(self.defects.sum(axis=1), self.counts.sum(axis=1))


def frontier(
    auction: Auction,
    weights: NDArray[Any],
    rules: Rules | None = None,
    judge: NDArray[Any] | None = None,
) -> Frontier:
    """Run the auction at every weight; rules.weight is not used.

    judge: (pairs,) pDefect by which defects are counted, nan where unknown; None: the auction's
    own model, which underestimates its own defects.
    """
    rules = rules or Rules()
    weights = np.sort(np.asarray(weights, dtype=np.float64))
    judge = auction.p_defect if judge is None else np.asarray(judge, dtype=np.float64)
    queries = auction.groups[1]
    totals = np.zeros((4, len(weights), queries))  # revenue, defects, judged, shown
    for rows, queries_here in _even_lists(*auction.groups, auction.tiebreaks):
        block = _Block.of(auction, judge, rows)
        for at, weight in enumerate(weights):
            totals[:, at, queries_here] = block.hold(float(weight), rules)
    empty = rules.slots - totals[3].mean(axis=1) if queries else np.full(len(weights), np.nan)
    return Frontier(weights, totals[0], totals[1], totals[2], empty)


def _even_lists(index: Ints, queries: int, tiebreaks: Ints | None) -> Iterator[tuple[Ints, Ints]]:
    """Yield blocks of similar lists: (queries, width) rows, -1 beyond a list, and their queries.

    The rows of a query are in the order of their tiebreaks, which a stable sort keeps. A block is
    at most twice as wide as its shortest list, so that sorting whole blocks is fast.
    """
    sizes = np.bincount(index, minlength=queries)
    order = np.lexsort((index,) if tiebreaks is None else (tiebreaks, index))
    starts = np.cumsum(sizes) - sizes
    class_of = np.ceil(np.log2(np.maximum(sizes, 1))).astype(np.int64)
    for size_class in np.unique(class_of[sizes > 0]):
        queries_here = np.flatnonzero((class_of == size_class) & (sizes > 0))
        column = np.arange(sizes[queries_here].max())
        inside = column < sizes[queries_here][:, None]
        rows = order[np.minimum(starts[queries_here][:, None] + column, len(order) - 1)]
        yield np.where(inside, rows, -1), queries_here


@dataclass(frozen=True)
class _Block:
    """The ads of many queries side by side, all (queries, width); a padded ad is worth -inf."""

    value: Floats
    bids: Floats
    clicks: Floats
    defects: Floats
    counted: Floats
    labelled: Floats

    @classmethod
    def of(cls, auction: Auction, judge: Floats, rows: Ints) -> "_Block":
        """Gather rows of the table, -1 for none."""
        bids, clicks = auction.bids[rows], auction.p_click[rows]
        value = np.where(rows < 0, -np.inf, bids * clicks)
        counted, labelled = np.nan_to_num(judge)[rows], np.isfinite(judge)[rows].astype(float)
        return cls(value, bids, clicks, auction.p_defect[rows], counted, labelled)

    def hold(self, weight: float, rules: Rules) -> Floats:
        """Return (4, queries) revenue, summed pDefect, known and shown ads, as Auction.hold."""
        score = self.value - weight * self.defects
        order = np.argsort(-score, axis=1, kind="stable")[:, : rules.slots + 1]
        ranked = np.take_along_axis(score, order, axis=1)
        top = order[:, : rules.slots]
        bids, clicks, defects, counted, labelled = (
            np.take_along_axis(each, top, axis=1)
            for each in (self.bids, self.clicks, self.defects, self.counted, self.labelled)
        )
        shown = ranked[:, : rules.slots] >= rules.reserve  # which is 0 or more
        price = bids
        if rules.pricing == "second":
            following = np.full(top.shape, -np.inf)
            following[:, : ranked.shape[1] - 1] = ranked[:, 1:]
            owed = np.maximum(following, rules.reserve) + weight * defects
            least = np.divide(owed, clicks, out=np.zeros_like(owed), where=clicks > 0)
            price = np.minimum(least, bids)
        seen = rules.attention ** np.arange(top.shape[1])
        parts = (price * clicks * seen, counted * labelled, labelled, np.ones_like(labelled))
        return np.array([(part * shown).sum(axis=1) for part in parts])


@dataclass(frozen=True)
class Price:
    """The price of distillation: revenue of the student against the teacher at equal defect.

    defect: the teacher's mean pDefect at the chosen weight. teacher, student: dollars per search
    at that defect. change: student / teacher - 1, with its 95 % interval; nan where the student
    shows more defects at every weight, or there is no revenue. A bootstrap sample in which the
    student does so has no revenue at that level: it counts as -1, and may make low -1.
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
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def price_of_distillation(
    teacher: Frontier, student: Frontier, weight: float, resamples: int = RESAMPLES
) -> Price:
    """Compute the revenue lost at equal defect, with a bootstrap over the same queries for both.

    Both frontiers need the same judge, rules, weights and queries. The revenue of a model at a
    level of defect is the best of its weights with no more defects, interpolated linearly.

    resamples: 1000 at most.
    """
    queries = teacher.revenue.shape[1]
    whole = np.ones((1, queries))
    numbers = _at_equal_defect(
        teacher.weights, weight, teacher.curves(whole), student.curves(whole)
    )
    teacher_curves, student_curves = (
        (each.drawn[0][:resamples], each.drawn[1][:resamples]) for each in (teacher, student)
    )
    draws = _at_equal_defect(teacher.weights, weight, teacher_curves, student_curves)
    change = float(_change(numbers)[0])
    low, high = interval(
        _drawn_change(draws)[:, None], np.array([change]), Support.whole(queries), 0.0
    )
    ends = (max(float(low[0]), -1.0), float(high[0])) if np.isfinite(change) else (np.nan, np.nan)
    level, teacher_revenue, student_revenue = map(float, numbers[0])
    return Price(level, teacher_revenue, student_revenue, change, *ends, queries)


def _at_equal_defect(weights: Floats, weight: float, teacher: Curves, student: Curves) -> Floats:
    """Return (draws, 3): the teacher's defect at the weight, both models' revenue there."""
    after = int(np.clip(np.searchsorted(weights, weight), 1, len(weights) - 1))
    span = weights[after] - weights[after - 1]
    share = np.clip((weight - weights[after - 1]) / span, 0, 1) if span > 0 else 0.0
    defect = teacher[1]
    level = defect[:, after] if share == 1 else defect[:, after - 1]
    if 0 < share < 1:
        level = level + share * (defect[:, after] - level)
    return np.column_stack([level, _best(*teacher, level), _best(*student, level)])


def _best(revenue: Floats, defect: Floats, level: Floats) -> Floats:
    """Return (draws,) the highest revenue with at most this defect; nan where there is none.

    revenue, defect: (draws, weights); a defect may be nan, where no shown ad is known.
    """
    order = np.argsort(defect, axis=1, kind="stable")  # nan stands last
    x = np.take_along_axis(defect, order, axis=1)
    y = np.maximum.accumulate(np.take_along_axis(revenue, order, axis=1), axis=1)
    slack = 1e-12  # a model compared with itself reaches its own level
    under = (x <= level[:, None] + slack).sum(axis=1)
    rows = np.arange(len(x))
    last, following = np.maximum(under - 1, 0), np.minimum(under, x.shape[1] - 1)
    gap = x[rows, following] - x[rows, last]
    share = np.divide(level - x[rows, last], gap, out=np.zeros(len(x)), where=gap > slack)
    y0, y1 = y[rows, last], y[rows, following]
    return np.asarray(np.where(under > 0, y0 + np.clip(share, 0, 1) * (y1 - y0), np.nan))


def _change(draws: Floats) -> Floats:
    return share(draws[:, 2], draws[:, 1]) - 1


def _drawn_change(draws: Floats) -> Floats:
    """Return the change in each draw; -1 where the student never reaches the teacher's defect.

    Such a draw is not missing at random: without it the interval would ignore the worst samples.
    """
    level, teacher_revenue, student_revenue = draws.T
    beyond = np.isfinite(level) & (teacher_revenue > 0) & np.isnan(student_revenue)
    return np.asarray(np.where(beyond, -1.0, _change(draws)))
