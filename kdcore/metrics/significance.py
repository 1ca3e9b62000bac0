"""Test differences: bootstrap over queries, permutation, detectability, verdict.

Pairs of one query depend on each other, so whole queries are drawn and swapped, not single pairs.
reach: the most by which one more query could differ from those seen, in the unit of the metric: 1
for a metric of 0..1, 0 where one more query cannot change it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Verdict = Literal["BETTER", "WORSE", "INCONCLUSIVE"]
Direction = Literal["more", "fewer", "no clear difference", "the same ads"]
MORE: Direction = "more"
FEWER: Direction = "fewer"
NOT_TOLD_APART: Direction = "no clear difference"
THE_SAME: Direction = "the same ads"  # both lists are shown whole: there is nothing to test
LEVEL = 0.05
ENDS = (LEVEL / 2, 1 - LEVEL / 2)  # of a 95 % interval
RULE = (
    "BETTER or WORSE than the opponent that is named, where the 95 % interval of the difference "
    "leaves out 0 and p ≤ 0.05; else INCONCLUSIVE: these pairs do not tell."
)
POWER_FACTOR = 2.8  # z(0.975) + z(0.8): 80 % power in a two-sided test at 5 %
FEW_QUERIES = 20  # below it even a widened interval is rough, which is reported
CHUNK = 1 << 21  # weights drawn at once: 16 MB of float64
_Z = 1.959964  # z(0.975)
_NOTHING = 1e-12  # a spread that is rounding


@dataclass(frozen=True)
class Support:
    """The queries on which the interval of each metric rests.

    queries: (metrics,) how many queries define it. varying: (metrics,) how many of them differ
    from the value that is most common among them.
    """

    queries: Ints
    varying: Ints

    @classmethod
    def of(cls, parts: NDArray[Any]) -> Self:
        """Count from each query's part of a metric, (queries, metrics); nan where it has none."""
        counts = []
        for column in np.asarray(parts, dtype=np.float64).T:
            defined = column[np.isfinite(column)].round(12)
            common = np.unique(defined, return_counts=True)[1].max(initial=0)
            counts.append((len(defined), len(defined) - common))
        queries, varying = np.array(counts, dtype=np.int64).reshape(-1, 2).T
        return cls(queries, varying)

    @classmethod
    def whole(cls, queries: int, metrics: int = 1) -> Self:
        """Describe metrics over the same queries, each query with a value of its own."""
        return cls(*(np.full(metrics, n, dtype=np.int64) for n in (queries, queries)))

    def join(self, other: "Support") -> "Support":
        """Join the metrics of both, one after the other."""
        return Support(
            np.concatenate([self.queries, other.queries]),
            np.concatenate([self.varying, other.varying]),
        )

    def stretch(self) -> Floats:
        """Return (metrics,) factors by which bootstrap ends move away from the estimate.

        sqrt(n / (n - 1)) and Student's t for z, since n queries underestimate their own spread;
        sqrt((k + 1) / k), since a value that only k of them have could be more frequent.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            unbiased = np.sqrt(self.queries / (self.queries - 1))
            unseen = np.sqrt((self.varying + 1) / self.varying)
            return np.asarray(unbiased * unseen * self._t() / _Z)

    def flat(self) -> Floats:
        """Return (metrics,) half the width of an interval where no two queries differ, per reach.

        It is that of a mean over these queries and two more, one of which is off by `reach`.
        """
        with np.errstate(divide="ignore"):
            return np.asarray(self._t() / np.sqrt(self.queries * (self.queries + 2.0)))

    def _t(self) -> Floats:
        from scipy.special import stdtrit

        enough = self.queries > 1
        t = stdtrit(np.where(enough, self.queries - 1, 1), 1 - LEVEL / 2)
        return np.where(enough, t, np.nan)


def bootstrap_weights(queries: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield chunks of (resamples, queries): how often each query is drawn, with replacement.

    Equal arguments give equal draws: two models measured on them are paired.
    """
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK // max(queries, 1))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, queries, size=(rows, queries))
        drawn += np.arange(rows)[:, None] * queries
        counts = np.bincount(drawn.ravel(), minlength=rows * queries)
        yield counts.reshape(rows, queries).astype(np.float64)


def resampled(
    measure: Callable[[Floats], Floats], queries: int, resamples: int, columns: int, seed: int = 0
) -> Floats:
    """Return (resamples, columns) of what `measure` gives for drawn queries.

    None below two queries: drawing the one query again and again would show false certainty.

    measure: (resamples, queries) weights -> (resamples, columns).
    """
    weights = bootstrap_weights(queries, resamples if queries > 1 else 0, seed)
    return np.concatenate([np.zeros((0, columns)), *map(measure, weights)])


def swaps(queries: int, permutations: int, seed: int) -> Iterator[Floats]:
    """Yield chunks of (permutations, queries): 1.0 where two models swap their query, else 0.0."""
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK // max(queries, 1))
    for start in range(0, permutations, step):
        rows = min(step, permutations - start)
        bits = np.frombuffer(rng.bytes(rows * (queries // 8 + 1)), dtype=np.uint8)
        yield np.unpackbits(bits.reshape(rows, -1), axis=1)[:, :queries].astype(np.float64)


def interval(
    draws: NDArray[Any], estimates: NDArray[Any], support: Support, reach: float = 1.0
) -> tuple[Floats, Floats]:
    """Return (metrics,) ends of the 95 % interval of (metrics,) estimates.

    The central 95 % of (resamples, metrics) bootstrap draws, stretched around the estimate when
    few queries are behind it, see Support. Where no two queries differ, draws show no spread, and
    the interval follows from `reach`, see the head of this module. A draw may be nan (no relevant
    pair was drawn); where most are, or fewer than two queries count, so are the ends.
    """
    estimates = np.asarray(estimates, dtype=np.float64)
    if not len(draws):
        return np.full(len(estimates), np.nan), np.full(len(estimates), np.nan)
    ends = np.array(central(draws))
    flat = (support.varying == 0) | (ends[1] - ends[0] < _NOTHING)
    stretched = estimates + np.where(flat, 0.0, ends - estimates) * np.where(
        flat, 1.0, support.stretch()
    )
    half = np.where(flat, reach * support.flat(), 0.0)
    defined = np.isfinite(ends).all(axis=0) & (support.queries > 1)
    low, high = np.where(defined, stretched + np.array([-half, half]), np.nan)
    return low, high


def central(draws: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return (metrics,) ends of the central 95 % of (resamples, metrics) draws; nan if most are."""
    draws = np.asarray(draws, dtype=np.float64)
    low, high = np.full(draws.shape[1], np.nan), np.full(draws.shape[1], np.nan)
    finite_draws = np.isfinite(draws)
    whole = finite_draws.all(axis=0) & (len(draws) > 0)
    if whole.any():
        low[whole], high[whole] = np.quantile(draws[:, whole], ENDS, axis=0)
    for column in np.flatnonzero(~whole & (finite_draws.sum(axis=0) * 2 > len(draws))):
        finite = draws[finite_draws[:, column], column]
        low[column], high[column] = np.quantile(finite, ENDS)
    return low, high


def exceed(observed: Floats, permuted: Floats) -> NDArray[np.int64]:
    """Count (metrics,) permuted differences that are at least as far from 0 as the observed ones.

    The small slack counts a permutation that equals the observed one except for rounding.
    """
    return np.asarray((np.abs(permuted) >= np.abs(observed) * (1 - 1e-9) - 1e-13).sum(axis=0))


def p_value(exceeding: NDArray[np.integer[Any]], permutations: int) -> Floats:
    """Return two-sided p; the observed order counts as one permutation, so it is never 0."""
    return np.asarray((exceeding + 1) / (permutations + 1), dtype=np.float64)


def sign_flip_p(differences: NDArray[Any], permutations: int = 10_000, seed: int = 0) -> Floats:
    """Return (metrics,) p of paired (queries, metrics) differences under random signs.

    The Fisher-Pitman test of a mean difference of 0. A query that is nan is left out.
    """
    per_query = np.nan_to_num(np.asarray(differences, dtype=np.float64))
    total = per_query.sum(axis=0)
    exceeding = np.zeros(per_query.shape[1], dtype=np.int64)
    for chunk in swaps(len(per_query), permutations, seed):
        exceeding += exceed(total, total - 2 * (chunk @ per_query))
    return p_value(exceeding, permutations)


def smallest_detectable(draws: NDArray[Any], support: Support, reach: float = 1.0) -> Floats:
    """Return (metrics,) least true differences that a test at 5 % finds in 80 % of repeats.

    2.8 standard errors of the (resamples, metrics) bootstrap differences, stretched as the
    interval is; nan without draws.
    """
    draws = np.asarray(draws, dtype=np.float64)
    finite_draws = np.isfinite(draws)
    n = finite_draws.sum(axis=0)
    mean = np.where(finite_draws, draws, 0.0).sum(axis=0) / np.maximum(n, 1)
    error = np.sqrt(
        np.where(finite_draws, (draws - mean) ** 2, 0.0).sum(axis=0) / np.maximum(n - 1, 1)
    )
    flat = (support.varying == 0) | (error < _NOTHING)
    stretched = np.where(
        flat,
        reach * support.flat() / _Z,
        error * np.nan_to_num(support.stretch(), posinf=0.0, neginf=0.0),
    )
    return np.where((n > 1) & (support.queries > 1), POWER_FACTOR * stretched, np.nan)


def few(queries: int) -> str:
    """Return a warning for a result on few queries; an empty text for enough of them."""
    if not 2 <= queries < FEW_QUERIES:
        return ""
    return f"Few queries: {queries}, so the 95 % intervals are widened and still rough."


def graded(grade: int, grades: int, low: Floats, high: Floats, p: Floats) -> Verdict | Direction:
    """Of the best and the worst of (grades,) tests a verdict; of those between, a direction.

    A grade between is neither better nor worse: its share rises where better ads are missing.
    """
    test = (float(low[grade]), float(high[grade]), float(p[grade]))
    if grade in (0, grades - 1):
        return verdict(*test, higher_is_better=grade > 0)
    return {"BETTER": MORE, "WORSE": FEWER, "INCONCLUSIVE": NOT_TOLD_APART}[verdict(*test)]


def verdict(low: float, high: float, p: float, higher_is_better: bool = True) -> Verdict:
    """Return BETTER, WORSE or INCONCLUSIVE for a difference with its interval and p.

    It takes a side only when the interval leaves out 0 and p <= 0.05 as well: with a handful of
    queries the interval alone is too narrow.
    """
    if not p <= LEVEL or not (low > 0 or high < 0):
        return "INCONCLUSIVE"
    return "BETTER" if (low > 0) == higher_is_better else "WORSE"


def against(verdict: str, opponent: str) -> str:
    """Write a verdict with its opponent: "BETTER than its twin", "INCONCLUSIVE against ..."."""
    return f"{verdict} {'than' if verdict in ('BETTER', 'WORSE') else 'against'} {opponent}"
