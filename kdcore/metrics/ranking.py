"""Measure how good an order is: nDCG at every depth, its references, labels in the top k.

All lists of a table are computed at once: one sort of all pairs, then arrays of (queries, depth).
Ties: ads with equal scores have no order among themselves, so every number here is its mean over
all orders of such ads and does not depend on the order of the rows.
"""

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DEPTH = 20
_PADDED = 4  # times the pairs that lists may take when they are filled up to one length


@dataclass(frozen=True)
class RankedLists:
    """The pairs of every query, best score first; of equal scores the lower tiebreak first.

    order: (pairs,) row at each place. group, rank: (pairs,) query and 0-based rank at each place.
    sizes: (queries,) pairs of each query. tie: (pairs,) number of the run of equal scores.
    """

    order: Ints
    group: Ints
    rank: Ints
    sizes: Ints
    tie: Ints

    @classmethod
    def of(
        cls, scores: NDArray[Any], index: Ints, queries: int, tiebreaks: Ints | None = None
    ) -> "RankedLists":
        """Sort by (query, -score); index: (pairs,) in 0..queries-1, some may have no pair.

        tiebreaks: (pairs,) used where one order has to be shown, such as PairTable.tiebreaks; by
        default the place in the arrays. `top` does not depend on it.
        """
        negative, index = -np.asarray(scores, dtype=np.float64), np.asarray(index)
        sizes = np.bincount(index, minlength=queries)
        first = np.cumsum(sizes) - sizes
        if tiebreaks is None and bool((index[1:] >= index[:-1]).all()):
            order, group = _sorted_groups(negative, index, first, sizes), index
        else:
            keys = (negative, index) if tiebreaks is None else (tiebreaks, negative, index)
            order = np.lexsort(keys)
            group = index[order]
        rank, new = np.arange(len(order)) - first[group], new_runs(negative[order], group)
        return cls(order, group, rank, sizes, np.cumsum(new) - 1)

    @cached_property
    def _run_sizes(self) -> Ints:
        """(runs,) how many pairs each run of equal scores has."""
        return np.bincount(self.tie)

    def top(self, values: NDArray[Any], depth: int, worst_first: bool = False) -> Floats:
        """Return (queries, depth) values in ranked order, 0 beyond the end of a list.

        Pairs of equal scores get their mean value, which is what each place holds on average.
        """
        ranked = np.asarray(values, dtype=np.float64)[self.order]
        if self.has_ties:
            ranked = (np.bincount(self.tie, ranked) / self._run_sizes)[self.tie]
        return self._first_places(ranked, depth, 0.0, worst_first)

    def top_grades(self, grades: NDArray[np.integer[Any]], depth: int) -> NDArray[np.int16]:
        """Return (queries, depth) grades in ranked order, -2 beyond the end of a list.

        Of equal scores the lower tiebreak comes first, so this is for lists without any.
        """
        return self._first_places(np.asarray(grades, dtype=np.int16)[self.order], depth, -2)

    def _first_places(
        self, ranked: NDArray[Any], depth: int, beyond: float, from_the_end: bool = False
    ) -> NDArray[Any]:
        """Return (queries, depth) the first values of each list, or its last ones backwards."""
        if not len(ranked):
            return np.full((len(self.sizes), depth), beyond, dtype=ranked.dtype)
        ends = np.cumsum(self.sizes)
        steps = np.arange(depth)[:, None]  # a row for each place, as NumPy is slow on short rows
        places = ends - 1 - steps if from_the_end else ends - self.sizes + steps
        table = ranked.take(places, mode="clip")
        if self.sizes.min() < depth:
            table[steps >= self.sizes] = beyond
        return np.asarray(table.T)

    @cached_property
    def has_ties(self) -> bool:
        """Whether two pairs of a query have equal scores."""
        return len(self._run_sizes) < len(self.order)

    def tied_share(self, depth: int) -> float:
        """Return the share of places in the top `depth` whose ad has the score of another ad."""
        shown = self.rank < depth
        if not shown.any():
            return float("nan")
        return float((self._run_sizes[self.tie] > 1)[shown].mean()) if self.has_ties else 0.0


def _sorted_groups(values: Floats, index: Ints, first: Ints, sizes: Ints) -> Ints:
    """Return np.lexsort((values, index)) of an index that never falls, by sorting short rows.

    first, sizes: (queries,) the row of each query's first pair, and how many it has.
    """
    width = int(sizes.max(initial=0))
    if len(sizes) * width > _PADDED * len(index) or not np.isfinite(values).all():
        return np.lexsort((values, index))
    rows, cells = np.full((len(sizes), width), np.inf), np.arange(len(index))
    if len(index) < rows.size:
        cells += index * width - first[index]
    rows.ravel()[cells] = values
    order = np.argsort(rows, axis=1)  # infinite, the padding comes last
    order += first[:, None]
    return in_order_of_rows(order.ravel()[cells], values, index)


def in_order_of_rows(order: Ints, values: Floats, group: Ints | None = None) -> Ints:
    """Put the rows of equal values of a group, which a fast sort leaves in any order, in order."""
    new = new_runs(values[order], group)
    if new.all():
        return order
    run = np.cumsum(new) * len(order)
    return np.asarray(np.sort(run + order) - run)


def new_runs(ranked: Floats, group: Ints | None = None) -> NDArray[np.bool_]:
    """Return (pairs,) whether a sorted value, or its group, is another than the one before."""
    new = np.ones(len(ranked), dtype=bool)
    new[1:] = ranked[1:] != ranked[:-1]
    if group is not None:
        new[1:] |= group[1:] != group[:-1]
    return new


def compact(query_ids: NDArray[np.integer[Any]]) -> tuple[Ints, int]:
    """Number queries 0..queries-1 in ascending order of their ids; return (numbers, queries)."""
    if (query_ids[1:] >= query_ids[:-1]).all():  # in order already
        new = np.ones(len(query_ids), dtype=np.int64)
        new[1:] = query_ids[1:] != query_ids[:-1]
        return np.cumsum(new) - 1, int(new.sum())
    queries, index = np.unique(query_ids, return_inverse=True)
    return index.astype(np.int64), len(queries)


def dcg(top: Floats) -> Floats:
    """Return (queries, depth) discounted cumulative gain of (queries, depth) gains."""
    discounts = 1 / np.log2(np.arange(2, top.shape[1] + 2))  # of place 1, 2, ...
    return summed_down(top * discounts)


def summed_down(top: Floats) -> Floats:
    """Turn (queries, depth) values into the sums of the first 1, 2, ... of them, in place."""
    for place in range(1, top.shape[1]):  # faster than np.cumsum along short rows, to the same bits
        top[:, place] += top[:, place - 1]
    return top


def normalize(value: Floats, ideal: Floats) -> Floats:
    """Return (queries, depth) value / ideal; nan where the ideal is 0 and no order is better."""
    return share(value, ideal)


def ndcg(
    gains: NDArray[Any],
    scores: NDArray[Any],
    query_ids: NDArray[np.integer[Any]],
    depth: int = DEPTH,
) -> Floats:
    """Return (queries, depth) nDCG@k for every k up to depth, queries in order of their ids.

    Järvelin & Kekäläinen 2002, doi:10.1145/582415.582418.

    gains, scores, query_ids: (pairs,), labelled pairs only; the ideal is cut at k like the list.
    Equal scores: the mean over their orders, as scikit-learn's ndcg_score takes it. A query whose
    gains are all 0 is nan, to be left out and counted.
    """
    index, queries = compact(query_ids)
    gains = np.asarray(gains, dtype=np.float64)
    model = RankedLists.of(scores, index, queries).top(gains, depth)
    ideal = RankedLists.of(gains, index, queries).top(gains, depth)
    return normalize(dcg(model), dcg(ideal))


def ndcg_random(
    gains: NDArray[Any], query_ids: NDArray[np.integer[Any]], depth: int = DEPTH
) -> Floats:
    """Return (queries, depth) mean nDCG@k of a random order; nan as in ndcg."""
    best, random, _ = references(gains, RankedLists.of(gains, *compact(query_ids)), depth)
    return normalize(random, best)


def ndcg_worst(
    gains: NDArray[Any], query_ids: NDArray[np.integer[Any]], depth: int = DEPTH
) -> Floats:
    """Return (queries, depth) nDCG@k of the order with the best ads last; nan as in ndcg."""
    best, _, worst = references(gains, RankedLists.of(gains, *compact(query_ids)), depth)
    return normalize(worst, best)


def references(
    gains: NDArray[Any], ideal: RankedLists, depth: int
) -> tuple[Floats, Floats, Floats]:
    """Return (queries, depth) DCG@k of the ideal, a random and the worst order of sorted lists.

    On average over all orders, every place of a list holds the mean gain of its query.
    """
    best = dcg(ideal.top(gains, depth))
    total = np.bincount(ideal.group, np.asarray(gains)[ideal.order], minlength=len(ideal.sizes))
    mean = total / np.maximum(ideal.sizes, 1)
    random = dcg(mean[:, None] * (np.arange(depth) < ideal.sizes[:, None]))
    worst = dcg(ideal.top(gains, depth, worst_first=True))
    return best, random, worst


def skill(value: NDArray[Any], random: NDArray[Any]) -> Floats:
    """Return (value - random) / (1 - random): 0 for a random order, 1 for the ideal."""
    value, random = np.asarray(value, np.float64), np.asarray(random, np.float64)
    room = 1 - random
    defined = room > 1e-12
    return np.asarray(
        np.divide(value - random, room, out=np.full(room.shape, np.nan), where=defined)
    )


def counts_in(
    lists: RankedLists, grades: NDArray[np.integer[Any]], classes: int, depth: int
) -> Floats:
    """Count (queries, depth, classes + 1) pairs of each grade in the top k, the unlabelled last.

    Among equal scores each place gets its share of every grade: these are expected counts.
    """
    # laid out by place and grade, so that sums run along the queries
    counts = np.empty((depth, classes + 1, len(lists.sizes)))
    top = None if lists.has_ties else lists.top_grades(grades, depth)
    for column, grade in enumerate([*range(classes), -1]):
        counts[:, column] = (lists.top(grades == grade, depth) if top is None else top == grade).T
    for place in range(1, depth):
        counts[place] += counts[place - 1]
    return counts.transpose(2, 0, 1)


def ranked_mean(each: Floats, weights: Floats | None = None) -> Floats:
    """Return (columns,) means of (queries, columns) over queries with an ideal; nan without any.

    With (resamples, queries) weights: (resamples, columns), each query counted as often as drawn.
    """
    defined = np.isfinite(each)
    if (defined == defined[:, :1]).all():  # every gain has an ideal in the same queries
        defined = defined[:, :1]
    drawn = np.ones((1, len(each))) if weights is None else weights
    below, above = drawn @ defined.astype(np.float64), drawn @ np.where(defined, each, 0.0)
    means = share(above, below)
    return np.asarray(means[0] if weights is None else means)


@dataclass(frozen=True)
class Density:
    """Which labels fill the top k, for every k up to depth.

    shares: (depth, classes) of the labelled pairs, nan without any. coverage: (depth,) labelled
    share of the shown pairs. labelled: (depth,) how many those are. All are expected counts over
    the orders of equal scores, so labelled need not be a whole number.
    """

    shares: Floats
    coverage: Floats
    labelled: Floats


def label_density(counts: Floats, average: Literal["pooled", "query"] = "pooled") -> Density:
    """Compute shares from counts_in: of all shown pairs, or the mean of each query's shares."""
    totals = counts.sum(axis=0)
    labelled_shown, shown = totals[:, :-1].sum(axis=1), totals.sum(axis=1)
    if average == "pooled":
        shares = share(totals[:, :-1], labelled_shown[:, None])
    else:
        each = counts[:, :, :-1]
        # grade by grade, for NumPy is slow on a short last axis
        totals_per_query = reduce(np.add, (each[:, :, k : k + 1] for k in range(each.shape[2])))
        labelled = (totals_per_query[:, :, 0] > 0).sum(axis=0)
        shares = share(share(each, totals_per_query, 0.0).sum(axis=0), labelled[:, None])
    return Density(shares, share(labelled_shown, shown), labelled_shown)


def share(part: NDArray[Any], whole: NDArray[Any], without: float = np.nan) -> Floats:
    """Return part / whole of arrays that broadcast; `without` where the whole is not above 0."""
    defined = whole > 0
    if np.all(defined):
        return np.asarray(part / whole)
    where = np.broadcast_to(defined, part.shape)
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, without), where=where))
