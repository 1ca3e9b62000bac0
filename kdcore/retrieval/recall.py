"""Recall of a search: against exact search, and against the truth; two numbers with two names."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdcore.metrics.significance import Support, interval, resampled
from kdcore.retrieval.exact import Ids

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean over queries with its 95 % interval (bootstrap over queries) and its n."""

    value: float
    low: float
    high: float
    n: int


def recall(ids: Ids, scores: NDArray[np.floating], best: NDArray[np.floating]) -> Floats:
    """(queries,) share of the best ads that were found.

    An ad counts as found when its score reaches the lowest of the best scores, since ads may tie.

    ids: (queries, depth) ads that were found, -1 beyond the last. scores: (queries, depth) their
    exact scores. best: (queries, k) the k best exact scores of all ads, largest first, -inf where
    there are fewer ads. Returns nan for a query without any ad.
    """
    sizes = np.isfinite(best).sum(axis=1)
    least = np.where(np.isfinite(best), best, np.inf).min(axis=1, initial=np.inf)
    hits = ((ids >= 0) & (scores >= least[:, None])).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sizes > 0, np.minimum(hits, sizes) / sizes, np.nan)


def mean_with_interval(per_query: Floats, seed: int = 0) -> Estimate:
    """The mean over queries of a share of 0 to 1, without nan, and its 95 % interval."""
    values = np.asarray(per_query, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return Estimate(np.nan, np.nan, np.nan, 0)
    draws = resampled(
        lambda weights: (weights @ values[:, None]) / weights.sum(axis=1, keepdims=True),
        len(values),
        1000,
        1,
        seed,
    )
    mean = values.mean(keepdims=True)
    low, high = interval(draws, mean, Support.of(values[:, None]))
    low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    return Estimate(float(mean[0]), float(low[0]), float(high[0]), len(values))
