"""Ranking over depth: nDCG curves, label density, and a query-by-query difference at any depth.

An Evaluation and a page that needs one curve alone compute it with the same functions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable
from kdcore.evaluation.comparison import Difference
from kdcore.evaluation.measures import Floats, Measured
from kdcore.evaluation.table import TableFacts
from kdcore.metrics import ranking
from kdcore.metrics.definitions import CATALOG, ndcg_key
from kdcore.metrics.ranking import ranked_mean
from kdcore.metrics.significance import (
    Support,
    interval,
    resampled,
    sign_flip_p,
    smallest_detectable,
    verdict,
)

GAIN_NAMES = {"exp2": "2^grade − 1", "linear": "grade", "own": "of the data set"}


@dataclass(frozen=True)
class NdcgCurve:
    """nDCG@1..20 of one gain, means over queries with an ideal; every tuple has 20 numbers.

    random: the mean over all orders; worst: best ads last; skill: (model - random) / (1 - random).
    """

    model: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    random: tuple[float, ...]
    worst: tuple[float, ...]
    skill: tuple[float, ...]


@dataclass(frozen=True)
class DensityCurve:
    """Label density in the top 1..20: 20 rows, worst grade first in each.

    pooled: shares of all labelled pairs in the lists; per_query: mean of each query's shares;
    coverage: labelled share of the pairs in the lists; judged: how many of these are labelled, on
    average over the orders of equal scores.
    """

    pooled: tuple[tuple[float, ...], ...]
    per_query: tuple[tuple[float, ...], ...]
    coverage: tuple[float, ...]
    judged: tuple[float, ...]


def ndcg_curves(pairs: PairTable, lines: Mapping[str, tuple[Floats, ...]]) -> dict[str, NdcgCurve]:
    """Make each gain's curve beside random and worst order; lines: (20,) means, low, high ends.

    pairs: in canonical order.
    """
    curves: dict[str, NdcgCurve] = {}
    for gain, (model, low, high) in lines.items():
        random, worst = TableFacts.of(pairs).references[gain]
        skill = ranking.skill(model, random)
        curves[gain] = NdcgCurve(*map(_floats, (model, low, high, random, worst, skill)))
    return curves


def density_curve(measured: Measured) -> DensityCurve:
    """Compute which labels fill the top 1..20 of a model."""
    pooled = ranking.label_density(measured.labels)
    per_query = ranking.label_density(measured.labels, average="query")
    return DensityCurve(
        pooled=tuple(map(_floats, pooled.shares)),
        per_query=tuple(map(_floats, per_query.shares)),
        coverage=_floats(pooled.coverage),
        judged=_floats(pooled.labelled),
    )


def mean_draws(each: Floats, resamples: int, seed: int = 0) -> Floats:
    """Return (resamples, columns) means over drawn queries; none below two queries."""
    return resampled(partial(ranked_mean, each), len(each), resamples, each.shape[1], seed)


def ndcg_curve(pairs: PairTable, measured: Measured, gain: str, resamples: int) -> NdcgCurve:
    """Compute the curve of one gain with its interval, as an Evaluation has it."""
    each = measured.curves[gain]
    model = ranked_mean(each)
    low, high = interval(mean_draws(each, resamples), model, Support.of(each))
    lines = model, np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
    return ndcg_curves(pairs.canonical, {gain: lines})[gain]


def ndcg_difference(
    one: Measured, other: Measured, gain: str, k: int, resamples: int, permutations: int
) -> Difference:
    """Test nDCG@k of one minus other at any depth, as `compare` tests its few depths."""
    ours, theirs = (m.curves[gain][:, k - 1 : k] for m in (one, other))
    deltas = ours - theirs
    draws = mean_draws(deltas, resamples)
    queries = int(np.isfinite(deltas).sum())
    delta, support = ranked_mean(deltas), Support.of(deltas)
    # nDCG depends on the order alone, so equal scores make the difference certain
    reach = 0.0 if np.array_equal(one.log_odds, other.log_odds) else 1.0
    low, high = (float(end[0].clip(-1, 1)) for end in interval(draws, delta, support, reach))
    p = float(sign_flip_p(deltas, permutations)[0]) if queries else float("nan")
    return Difference(
        key=ndcg_key(gain, k),
        name=ndcg_name(gain, k),
        value_a=float(ranked_mean(ours)[0]),
        value_b=float(ranked_mean(theirs)[0]),
        delta=float(delta[0]),
        low=low,
        high=high,
        p=p,
        permutations=permutations,
        smallest_detectable=float(smallest_detectable(draws, support, reach)[0]),
        verdict=verdict(low, high, p),
        n=queries,
        n_unit="queries",
        higher_is_better=True,
        definition=ndcg_definition(gain, k),
    )


def ndcg_name(gain: str, k: int) -> str:
    """Name nDCG@k with its gain, as beside every number."""
    return f"nDCG@{k}, gain {GAIN_NAMES[gain]}"


def ndcg_definition(gain: str, k: int) -> str:
    """Define nDCG@k in the catalog's sentence, at any k."""
    return CATALOG[ndcg_key(gain, 5)].sentence.replace("@5", f"@{k}")


def _floats(values: NDArray[Any]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
