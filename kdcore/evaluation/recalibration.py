"""Measure calibration before and after a temperature that is fitted on other queries.

The temperature of each half of the queries is fitted on the other half (arXiv 1706.04599 fits on
held-out data), so no pair is judged by a temperature fitted on it. Intervals come from a bootstrap
over whole queries, corrected for what resampling adds to an ECE.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.metrics.calibration import Reliability, best_temperature, reliability
from kdcore.metrics.ece import bin_sums, centred, corrected, shortfall, standard_errors
from kdcore.metrics.significance import Support, interval, resampled
from kdcore.softlabels import soften

Floats = NDArray[np.float64]
RESAMPLES = 500


@dataclass(frozen=True)
class Calibrated:
    """A reliability diagram with its error: ece in [0, 1], its 95 % interval, n labelled pairs.

    ece is corrected for what chance adds, see metrics/ece.py; bins.ece is the plain one.
    """

    bins: Reliability
    ece: float
    low: float
    high: float
    n: int
    queries: int


@dataclass(frozen=True)
class BeforeAfter:
    """Calibration at T = 1 and at the temperature of the other half of the queries.

    temperature: of least NLL on all labelled pairs; halves: the temperature of each half.
    change: ece after minus before, with its 95 % interval over the same draws of queries.
    """

    before: Calibrated
    after: Calibrated
    temperature: float
    halves: tuple[float, float]
    change: float
    low: float
    high: float


def before_after(
    pairs: PairTable, logits: NDArray[np.floating], resamples: int = RESAMPLES, seed: int = 0
) -> BeforeAfter | None:
    """Measure calibration of (pairs, classes) logits; None below two labelled queries."""
    # in canonical order the halves do not depend on the order of the rows
    pairs, logits = pairs.canonical, logits[pairs.canonical_rows]
    rows = np.flatnonzero(pairs.grades != UNLABELLED)
    query = np.unique(pairs.query_ids[rows], return_inverse=True)[1]
    if len(rows) == 0 or query.max() < 1:
        return None
    logits, grades, relevant = logits[rows], pairs.grades[rows], pairs.relevant[rows]
    half = np.random.default_rng(seed).permutation(int(query.max()) + 1)[query] % 2
    halves = tuple(best_temperature(grades[half != h], logits[half != h]) for h in (0, 1))
    raw = pairs.scheme.relevance(soften(logits))
    cooled = np.empty_like(raw)
    for h in (0, 1):
        cooled[half == h] = pairs.scheme.relevance(soften(logits[half == h], halves[h]))
    errors = [_Error.of(relevant, p, query, resamples, seed) for p in (raw, cooled)]
    before, after = (
        error.calibrated(reliability(relevant, p))
        for error, p in zip(errors, (raw, cooled), strict=True)
    )
    change, moved = after.ece - before.ece, errors[1].draws - errors[0].draws
    low, high = _ends(moved, change, before.queries, errors[0].short, errors[1].short)
    return BeforeAfter(
        before=before,
        after=after,
        temperature=best_temperature(grades, logits),
        halves=(halves[0], halves[1]),
        change=change,
        low=max(low, -1.0),
        high=min(high, 1.0),
    )


@dataclass(frozen=True)
class _Error:
    """A corrected ECE before it is cut at 0, its draws, and how far it may fall short."""

    value: float
    draws: Floats
    short: float
    queries: int

    @classmethod
    def of(
        cls,
        relevant: NDArray[np.bool_],
        relevance: Floats,
        query: NDArray[np.int64],
        resamples: int,
        seed: int,
    ) -> "_Error":
        queries = int(query.max()) + 1
        gaps, chance = bin_sums(relevant, relevance, query, queries)
        pairs = np.bincount(query, minlength=queries).astype(np.float64)
        errors = standard_errors(gaps, pairs, chance)
        whole = gaps.sum(axis=0) / pairs.sum()
        draws = resampled(
            lambda w: corrected((w @ gaps) / (w @ pairs)[:, None], errors)[:, None],
            queries,
            resamples,
            1,
            seed,
        )
        value = float(corrected(whole[None], errors)[0])
        return cls(value, draws[:, 0], shortfall(whole, errors), queries)

    def calibrated(self, bins: Reliability) -> Calibrated:
        ece = max(self.value, 0.0)
        low, high = _ends(self.draws, ece, self.queries, 0.0, self.short)
        n = int(bins.count.sum())
        return Calibrated(bins, ece, max(low, 0.0), min(high, 1.0), n, self.queries)


def _ends(
    draws: Floats, estimate: float, queries: int, below: float, above: float
) -> tuple[float, float]:
    """Return the 95 % interval of an estimate, widened by what the correction may miss."""
    moved = centred(draws, estimate)[:, None]
    low, high = interval(moved, np.array([estimate]), Support.whole(queries))
    return float(low[0]) - below, float(high[0]) + above
