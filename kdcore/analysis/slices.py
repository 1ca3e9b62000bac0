"""Find slices: groups of pairs, named by their attributes, in which a loss differs.

    slices = find(attributes(pairs, confidence), student_loss - teacher_loss)

Pairs of one query depend on each other, so the error of an effect is computed over queries.
Candidates are chosen by their size, never by their loss, which keeps the false-discovery rate.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import stdtr, stdtrit

from kdcore.analysis.attributes import Attributes, join

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
RATE = 0.05  # share of false discoveries allowed among what is reported
LEVEL = 0.05  # of an interval
SAME = 0.8  # Jaccard index above which two slices are one
FEWEST_QUERIES = 20  # with fewer, a mean's error is not known well enough
SKEWED = 0.6  # losses have one long tail: a t of fewer clusters keeps the rate (simulated)
FREQUENT = 60  # conditions that may stand in a conjunction: the most frequent ones
CANDIDATES = 4000
CELLS = 1 << 20  # (queries, slices) numbers worked on at once: 8 MB an array


@dataclass(frozen=True)
class Slice:
    """A group of pairs and how much its mean differs from that of all other pairs.

    effect: mean inside minus mean outside; low, high: its 95 % interval; inside_low, inside_high:
    that of the mean inside; `find` widens both for the slices it selects. p: of the effect,
    two-sided; q: least false-discovery rate at which it is reported. also: names of slices merged
    into it.
    """

    name: str
    pairs: int
    queries: int
    inside: float
    inside_low: float
    inside_high: float
    outside: float
    effect: float
    low: float
    high: float
    p: float
    q: float
    also: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """How much more its pairs lose in sum than as many pairs elsewhere: effect × pairs."""
        return self.effect * self.pairs


@dataclass(frozen=True)
class Slices:
    """The reported slices, the largest total first; how many were tested, on how much data."""

    slices: tuple[Slice, ...]
    tried: int
    pairs: int
    queries: int
    rate: float = RATE


@dataclass(frozen=True)
class _Tested:
    """Statistics of (slices,) candidates, column by column of `members`."""

    members: sparse.csc_array
    names: tuple[str, ...]
    columns: dict[str, Floats]


def find(
    attributes: Attributes, difference: NDArray[np.floating], fewest_pairs: int = 50
) -> Slices:
    """Find slices whose mean of (pairs,) differences is unlike that of the other pairs.

    Benjamini-Hochberg over all candidates; then slices that hold nearly the same pairs, or refine a
    reported one without an effect of their own, are merged. Intervals are adjusted to a
    false-coverage rate of 5 % among the reported slices.

    difference: nan where a pair has no label; such pairs are left out. fewest_pairs: inside a
    slice and outside it.
    """
    rows = np.flatnonzero(np.isfinite(difference))
    query = np.unique(attributes.query_ids[rows], return_inverse=True)[1]
    queries = int(query.max(initial=-1)) + 1
    members, names = _candidates(attributes, rows, query, fewest_pairs)
    if not names:
        return Slices((), 0, len(rows), queries)
    values = np.asarray(difference, dtype=np.float64)[rows]
    tested = _Tested(members, names, _test(members, values, query, queries))
    reported = np.flatnonzero(tested.columns["q"] <= RATE)
    level = RATE * len(reported) / len(names)
    slices = tuple(_widened(each, tested, level) for each in _folded(tested, reported))
    return Slices(slices, len(names), len(rows), queries)


def effect_of(
    inside: NDArray[np.bool_], difference: NDArray[np.floating], query_ids: Rows
) -> Slice:
    """Test one slice, given by its (pairs,) mask, alone; q is its p. nan where it is undefined."""
    rows = np.flatnonzero(np.isfinite(difference))
    query = np.unique(query_ids[rows], return_inverse=True)[1]
    queries = int(query.max(initial=-1)) + 1
    members = sparse.csc_array(inside[rows].astype(np.float64)[:, None])
    values = np.asarray(difference, dtype=np.float64)[rows]
    return _slice("", _test(members, values, query, queries), 0)


def benjamini_hochberg(p: Floats) -> Floats:
    """Return (tests,) the least false-discovery rate at which each test is reported.

    Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    order = np.argsort(p, kind="stable")
    raised = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return q


def _candidates(
    attributes: Attributes, rows: Rows, query: Rows, fewest: int
) -> tuple[sparse.csc_array, tuple[str, ...]]:
    """Collect the members of every large enough condition and pair of conditions, largest first."""
    singles = sparse.csc_array(attributes.holds[rows])
    usable = _large(singles, query, fewest)
    frequent = usable[np.argsort(-_sizes(singles)[usable], kind="stable")][:FREQUENT]
    couples = [
        pair
        for pair in combinations(np.sort(frequent).tolist(), 2)
        if _combinable(attributes, *pair)
    ]
    names = [attributes.conditions[i].name for i in usable]
    if not couples:
        return singles[:, usable], tuple(names)
    left, right = np.array(couples).T
    both = sparse.csc_array(singles[:, left].multiply(singles[:, right]))
    large = _large(both, query, fewest)
    large = large[np.argsort(-_sizes(both)[large], kind="stable")][:CANDIDATES]
    names += [join(attributes.conditions[i] for i in couples[place]) for place in large]
    return sparse.csc_array(sparse.hstack([singles[:, usable], both[:, large]])), tuple(names)


def _combinable(attributes: Attributes, a: int, b: int) -> bool:
    """Return whether two conditions can hold together and do not imply a loss by themselves."""
    kinds = {attributes.conditions[a].kind, attributes.conditions[b].kind}
    if len(kinds) == 1:  # a pair has one grade and one length, but many words
        return kinds <= {"query", "title", "tag"}
    return kinds != {"grade", "teacher"}  # together they almost determine the teacher's loss


def _sizes(members: sparse.csc_array) -> Rows:
    return np.asarray(members.sum(axis=0)).astype(np.int64).ravel()


def _large(members: sparse.csc_array, query: Rows, fewest: int) -> Rows:
    """Return the columns with enough pairs and queries inside, and enough pairs outside."""
    sizes = _sizes(members)
    enough = np.flatnonzero((sizes >= fewest) & (members.shape[0] - sizes >= fewest))
    queries_in = np.asarray((_by_query(members[:, enough], query) > 0).sum(axis=0)).ravel()
    return enough[queries_in >= FEWEST_QUERIES]


def _by_query(members: sparse.csc_array, query: Rows) -> sparse.csc_array:
    """Return (queries, slices) sums of a (pairs, slices) matrix."""
    pairs = len(query)
    gather = sparse.csr_array(
        (np.ones(pairs), (query, np.arange(pairs))), shape=(int(query.max(initial=-1)) + 1, pairs)
    )
    return sparse.csc_array(gather @ members)


def _test(
    members: sparse.csc_array, values: Floats, query: Rows, queries: int
) -> dict[str, Floats]:
    """Test each column's effect, with an error from leaving out one query at a time."""
    weighted = sparse.csc_array(members.multiply(values[:, None]))
    count, total = _by_query(members, query), _by_query(weighted, query)
    all_count = np.bincount(query, minlength=queries).astype(np.float64)
    all_total = np.bincount(query, values, minlength=queries).astype(np.float64)
    step = max(1, CELLS // max(queries, 1))
    parts = [
        _jackknife(
            count[:, at : at + step].toarray(),
            total[:, at : at + step].toarray(),
            all_count,
            all_total,
        )
        for at in range(0, members.shape[1], step)
    ]
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    columns["q"] = benjamini_hochberg(columns["p"])
    return columns


def _jackknife(
    count: Floats, total: Floats, all_count: Floats, all_total: Floats
) -> dict[str, Floats]:
    """Compute the statistics of a chunk of slices from (queries, slices) counts and sums.

    The jackknife over clusters (CR3), with a t of as many equal clusters as the smaller side is
    worth, minus one: it is conservative when few queries have a slice.
    """
    inside, outside = count.sum(axis=0), all_count.sum() - count.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_in = total.sum(axis=0) / inside
        mean_out = (all_total.sum() - total.sum(axis=0)) / outside
        left_in = (total.sum(axis=0) - total) / (inside - count)
        left_out = (all_total.sum() - total.sum(axis=0) - (all_total[:, None] - total)) / (
            outside - (all_count[:, None] - count)
        )
        effect = mean_in - mean_out
        share = (len(all_count) - 1) / len(all_count)
        error = np.sqrt(share * ((left_in - left_out - effect) ** 2).sum(axis=0))
        inside_error = np.sqrt(share * ((left_in - mean_in) ** 2).sum(axis=0))
        fewer = np.minimum(_equal_clusters(count), _equal_clusters(all_count[:, None] - count))
        freedom = np.maximum(fewer * SKEWED - 1, 1)
        p = 2 * stdtr(freedom, -np.abs(effect) / error)
    times = stdtrit(freedom, 1 - LEVEL / 2)
    return {
        "pairs": inside,
        "queries": (count > 0).sum(axis=0).astype(np.float64),
        "inside": mean_in,
        "inside_low": mean_in - times * inside_error,
        "inside_high": mean_in + times * inside_error,
        "outside": mean_out,
        "effect": effect,
        "low": effect - times * error,
        "high": effect + times * error,
        "p": np.where(np.isfinite(p), p, 1.0),
        "error": error,
        "inside_error": inside_error,
        "freedom": freedom,
    }


def _equal_clusters(count: Floats) -> Floats:
    """Return (slices,) the equal clusters that (queries, slices) uneven ones are worth (Kish)."""
    return np.asarray(count.sum(axis=0) ** 2 / (count**2).sum(axis=0))


def _slice(name: str, columns: dict[str, Floats], at: int) -> Slice:
    numbers = {key: float(column[at]) for key, column in columns.items()}
    pairs, queries = int(numbers.pop("pairs")), int(numbers.pop("queries"))
    del numbers["error"], numbers["inside_error"], numbers["freedom"]
    return Slice(name=name, pairs=pairs, queries=queries, also=(), **numbers)


def _widened(chosen: Slice, tested: _Tested, level: float) -> Slice:
    """Widen a slice's intervals to 1 - level, level = RATE times the share that is reported.

    Benjamini & Yekutieli 2005, doi:10.1198/016214504000001907: an effect that is selected for
    being large lies outside its plain 95 % interval too often.
    """
    at = tested.names.index(chosen.name)
    columns = tested.columns
    times = float(stdtrit(columns["freedom"][at], 1 - level / 2))
    reach, inside = (times * float(columns[key][at]) for key in ("error", "inside_error"))
    wide = replace(chosen, low=chosen.effect - reach, high=chosen.effect + reach)
    return replace(wide, inside_low=wide.inside - inside, inside_high=wide.inside + inside)


def _folded(tested: _Tested, reported: Rows) -> tuple[Slice, ...]:
    """Merge similar reported slices into the simpler, then more certain one; costliest first."""
    long = np.array([tested.names[column].count("&") for column in reported], dtype=np.int64)
    order = reported[np.lexsort((reported, tested.columns["p"][reported], long))]
    members = tested.members[:, order]
    shared = (members.T @ members).toarray() if len(order) else np.zeros((0, 0))
    distinct: dict[int, Slice] = {}
    for place, column in enumerate(order):
        candidate = _slice(tested.names[column], tested.columns, int(column))
        home = next(
            (k for k in distinct if _same_slice(distinct[k], candidate, float(shared[k, place]))),
            None,
        )
        if home is None:
            distinct[place] = candidate
        else:
            distinct[home] = replace(distinct[home], also=(*distinct[home].also, candidate.name))
    return tuple(sorted(distinct.values(), key=lambda s: (-s.total, s.name)))


def _same_slice(one: Slice, other: Slice, shared: float) -> bool:
    """Return whether two slices have nearly the same pairs, or one extends the other and agrees."""
    if shared / (one.pairs + other.pairs - shared) > SAME:
        return True
    part = shared >= SAME * min(one.pairs, other.pairs)
    return part and one.low <= other.high and other.low <= one.high
