"""Change: the difference of two ways to search in one number, paired over queries."""

from typing import NamedTuple

import numpy as np

from kdcore.metrics.significance import (
    Support,
    Verdict,
    interval,
    resampled,
    sign_flip_p,
    verdict,
)
from kdcore.retrieval.recall import Floats


class Change(NamedTuple):
    """A paired difference of two means over queries, with its 95 % interval.

    first, second: the means; of a student and its twin, or of two ways to search.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    n: int
    verdict: Verdict


def change_of(values: Floats) -> Change:
    """The change of (queries, 2) values; rows with a nan are left out.

    The interval is a paired bootstrap over queries, p a sign-flip test.
    """
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < 2:
        nan = float("nan")
        return Change(nan, nan, nan, nan, nan, nan, len(values), "INCONCLUSIVE")
    gaps = values[:, :1] - values[:, 1:]
    draws = resampled(
        lambda weights: (weights @ gaps) / weights.sum(axis=1, keepdims=True), len(gaps), 1000, 1
    )
    mean = gaps.mean(axis=0)
    low, high = (float(end[0]) for end in interval(draws, mean, Support.of(gaps)))
    (p,) = sign_flip_p(gaps)
    first, second = values.mean(axis=0).tolist()
    return Change(
        first, second, float(mean[0]), low, high, float(p), len(gaps), verdict(low, high, float(p))
    )
