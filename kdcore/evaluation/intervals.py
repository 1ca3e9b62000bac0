"""Compute the 95 % intervals of a model's metrics, and of the differences of two models."""

from collections.abc import Sequence

import numpy as np

from kdcore.evaluation.measures import AREAS, ECE_KEYS, UNITS, Floats, Measured
from kdcore.metrics import ece
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.significance import Support, interval, resampled, smallest_detectable


def metric_ends(measured: Measured, draws: Floats) -> tuple[Floats, Floats]:
    """Return (keys,) ends from (resamples, keys) draws of queries, within each metric's range.

    Without draws they are nan.
    """
    if not len(draws):
        return np.full(len(measured.keys), np.nan), np.full(len(measured.keys), np.nan)
    values, eces = measured.values()[0], _ece_columns(measured)
    low, high = interval(_centred(draws, values, eces), values, support_of(measured))
    high[eces] += _shortfall(measured)
    bounds = np.array([CATALOG[key].bounds for key in measured.keys]).T
    return np.clip(low, *bounds), np.clip(high, *bounds)


def difference_ends(one: Measured, other: Measured, draws: Floats) -> tuple[Floats, Floats, Floats]:
    """Return (keys,) low, high, smallest detectable difference from (resamples, keys) paired draws.

    Low and high equal the difference where both models gave the same answers.
    """
    delta, eces = one.values()[0] - other.values()[0], _ece_columns(one)
    reach = reach_of(one, other)
    draws = _centred(draws, delta, eces)
    support = support_of(one, one.parts - other.parts)
    low, high = interval(draws, delta, support, reach)
    if reach:
        low[eces] -= _shortfall(other)
        high[eces] += _shortfall(one)
    widest = np.array([CATALOG[key].most - CATALOG[key].least for key in one.keys])
    detectable = smallest_detectable(draws, support, reach)
    return np.maximum(low, -widest), np.minimum(high, widest), detectable


def detectable(one: Measured, other: Measured, key: str, resamples: int = 1000) -> float:
    """Return the smallest detectable difference of two models in one metric, as `compare` does."""
    column = one.keys.index(key)
    draws = draws_of([one, other], key, resamples)
    whole = support_of(one, one.parts - other.parts)
    support = Support(whole.queries[[column]], whole.varying[[column]])
    delta = draws[:, :1] - draws[:, 1:]
    return float(smallest_detectable(delta, support, reach_of(one, other))[0])


def draws_of(models: Sequence[Measured], key: str, resamples: int, seed: int = 0) -> Floats:
    """Return (resamples, models) one metric of each model on common draws of queries."""
    if key in AREAS:
        column = AREAS.index(key)
        return np.column_stack([m.drawn_areas(resamples, seed)[:, column] for m in models])
    return resampled(
        lambda weights: np.column_stack([m.value_of(key, weights) for m in models]),
        models[0].queries,
        resamples,
        len(models),
        seed,
    )


def reach_of(one: Measured, other: Measured) -> float:
    """Return the reach of a difference, see significance.py: 0 for equal answers, else 1."""
    equal = np.array_equal(one.log_odds, other.log_odds)
    return 0.0 if equal and np.array_equal(one.table, other.table) else 1.0


def support_of(measured: Measured, parts: Floats | None = None) -> Support:
    """Count the queries on which the interval of each metric rests.

    parts: (queries, linear_keys) parts of queries, by default the model's own.
    """
    parts = measured.parts if parts is None else parts
    means, keys = len(measured.means), len(measured.keys)
    queries = int((measured.counts[:, UNITS.index("labelled")] > 0).sum())
    return Support.of(parts[:, :means]).join(Support.whole(queries, keys - means))


def _ece_columns(measured: Measured) -> list[int]:
    return [measured.keys.index(key) for key in ECE_KEYS]


def _centred(draws: Floats, values: Floats, eces: list[int]) -> Floats:
    """Move the draws of each ECE onto its value."""
    moved = draws.copy()
    for column in eces:
        moved[:, column] = ece.centred(draws[:, column], values[column])
    return moved


def _shortfall(measured: Measured) -> Floats:
    """Return (eces,) how far below the true value each corrected ECE may lie on average."""
    gaps = measured.gaps(measured.table.sum(axis=0)[None])[:, 0]
    return np.array([ece.shortfall(*each) for each in zip(gaps, measured.ece_errors, strict=True)])
