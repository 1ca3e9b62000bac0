"""What a difference is worth: bootstrap over queries, permutation, detectability, a verdict.

Pairs of one query hang together, so whole queries are drawn and swapped, never single pairs.
"""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Verdict = Literal["BEATS", "NO BEATS", "INCONCLUSIVE"]
LEVEL = 0.05
POWER_FACTOR = 2.8  # z(0.975) + z(0.8): 80 % power in a two-sided test at 5 %
CHUNK = 1 << 21  # weights drawn at once: 16 MB of float64


def bootstrap_weights(queries: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Chunks of (resamples, queries): how often each query is drawn, with replacement.

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


def swaps(queries: int, permutations: int, seed: int) -> Iterator[Floats]:
    """Chunks of (permutations, queries): 1.0 where two models trade their query, else 0.0."""
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK // max(queries, 1))
    for start in range(0, permutations, step):
        rows = min(step, permutations - start)
        bits = np.frombuffer(rng.bytes(rows * (queries // 8 + 1)), dtype=np.uint8)
        yield np.unpackbits(bits.reshape(rows, -1), axis=1)[:, :queries].astype(np.float64)


def interval(draws: NDArray[Any], level: float = LEVEL) -> tuple[Floats, Floats]:
    """(metrics,) ends of the central 95 % of (resamples, metrics) draws.

    A draw may be nan (no relevant pair was drawn); where most are, so are the ends.
    """
    draws = np.asarray(draws, dtype=np.float64)
    low, high = np.full(draws.shape[1], np.nan), np.full(draws.shape[1], np.nan)
    known = np.isfinite(draws)
    whole = known.all(axis=0) & (len(draws) > 0)
    if whole.any():
        low[whole], high[whole] = np.quantile(draws[:, whole], [level / 2, 1 - level / 2], axis=0)
    for column in np.flatnonzero(~whole & (known.sum(axis=0) * 2 > len(draws))):
        finite = draws[known[:, column], column]
        low[column], high[column] = np.quantile(finite, [level / 2, 1 - level / 2])
    return low, high


def bias_off(draws: NDArray[Any], estimate: float) -> Floats:
    """(resamples,) draws of a sum of absolute gaps, less what drawing again adds to it.

    Every draw of queries adds its own noise to each gap, which only ever adds up: the draws lie
    above their estimate. They are moved so that their mean is the estimate; below 0 counts as 0.
    """
    draws = np.asarray(draws, dtype=np.float64)
    known = draws[np.isfinite(draws)]
    return np.maximum(draws - (known.mean() - estimate), 0.0) if len(known) else draws


def exceed(observed: Floats, permuted: Floats) -> NDArray[np.int64]:
    """(metrics,) how many (permutations, metrics) differences are as far from 0 as the observed.

    The small slack counts a permutation that equals the observed one but for rounding.
    """
    return np.asarray((np.abs(permuted) >= np.abs(observed) * (1 - 1e-9) - 1e-13).sum(axis=0))


def p_value(exceeding: NDArray[np.integer[Any]], permutations: int) -> Floats:
    """Two-sided p; the observed order counts as one permutation, so it is never 0."""
    return np.asarray((exceeding + 1) / (permutations + 1), dtype=np.float64)


def sign_flip_p(differences: NDArray[Any], permutations: int = 10_000, seed: int = 0) -> Floats:
    """(metrics,) p of paired (queries, metrics) differences: the sign of each query is tossed.

    The Fisher-Pitman test of a mean difference of 0. A query that is nan is left out.
    """
    known = np.nan_to_num(np.asarray(differences, dtype=np.float64))
    total = known.sum(axis=0)
    exceeding = np.zeros(known.shape[1], dtype=np.int64)
    for chunk in swaps(len(known), permutations, seed):
        exceeding += exceed(total, total - 2 * (chunk @ known))
    return p_value(exceeding, permutations)


def smallest_detectable(draws: NDArray[Any]) -> Floats:
    """(metrics,) least true difference that a test at 5 % finds in 80 % of repeats.

    2.8 standard errors of the (resamples, metrics) bootstrap differences.
    """
    draws = np.asarray(draws, dtype=np.float64)
    known = np.isfinite(draws)
    n = known.sum(axis=0)
    mean = np.where(known, draws, 0.0).sum(axis=0) / np.maximum(n, 1)
    spread = np.where(known, (draws - mean) ** 2, 0.0).sum(axis=0) / np.maximum(n - 1, 1)
    return np.where(n > 1, POWER_FACTOR * np.sqrt(spread), np.nan)


def verdict(low: float, high: float, p: float, higher_is_better: bool = True) -> Verdict:
    """What to say of a difference: BEATS, NO BEATS (it is worse), or INCONCLUSIVE.

    A side is taken only when the interval leaves out 0 and p <= 0.05 as well: with a handful of
    queries the interval alone is too narrow.
    """
    if not p <= LEVEL or not (low > 0 or high < 0):
        return "INCONCLUSIVE"
    return "BEATS" if (low > 0) == higher_is_better else "NO BEATS"
