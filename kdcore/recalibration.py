"""Calibration before and after a temperature, told honestly: no pair is judged by its own T.

The temperature of each half of the queries is fitted on the other half (arXiv 1706.04599 fits on
held-out data); intervals come from drawing whole queries again, less what that adds to an ECE.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdcore.metrics.calibration import BINS, Reliability, best_temperature, bin_of, reliability
from kdcore.metrics.significance import bias_off, bootstrap_weights, interval
from kdcore.pairs import UNLABELLED, PairTable
from kdcore.softlabels import soften

Floats = NDArray[np.float64]
RESAMPLES = 500


@dataclass(frozen=True)
class Calibrated:
    """A reliability diagram with its error: ece in [0, 1], its 95 % interval, n labelled pairs.

    The interval is of the draws with their upward bias taken off, see bias_off.
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

    temperature: of least NLL on all labelled pairs; halves: what each half was given.
    change: ece after less before, with its 95 % interval over the same draws of queries, their
    mean moved to the change.
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
    """Calibration of P(relevant) of (pairs, classes) logits; None below two labelled queries."""
    rows = np.flatnonzero(pairs.grades != UNLABELLED)
    query = np.unique(pairs.query_ids[rows], return_inverse=True)[1]
    if len(rows) == 0 or query.max() < 1:
        return None
    said, grades, relevant = logits[rows], pairs.grades[rows], pairs.relevant[rows]
    half = np.random.default_rng(seed).permutation(int(query.max()) + 1)[query] % 2
    halves = tuple(best_temperature(grades[half != h], said[half != h]) for h in (0, 1))
    raw = pairs.scheme.relevance(soften(said))
    cooled = np.empty_like(raw)
    for h in (0, 1):
        cooled[half == h] = pairs.scheme.relevance(soften(said[half == h], halves[h]))
    draws = [_draws(relevant, p, query, resamples, seed) for p in (raw, cooled)]
    sides = [_side(relevant, p, d, query) for p, d in zip((raw, cooled), draws, strict=True)]
    change, moved = sides[1].ece - sides[0].ece, draws[1] - draws[0]
    low, high = interval((moved - moved.mean() + change)[:, None])
    return BeforeAfter(
        before=sides[0],
        after=sides[1],
        temperature=best_temperature(grades, said),
        halves=(halves[0], halves[1]),
        change=change,
        low=float(low[0]),
        high=float(high[0]),
    )


def _side(
    relevant: NDArray[np.bool_], relevance: Floats, draws: Floats, query: NDArray[np.int64]
) -> Calibrated:
    bins = reliability(relevant, relevance)
    low, high = interval(bias_off(draws, bins.ece)[:, None])
    queries = int(query.max()) + 1
    return Calibrated(bins, bins.ece, float(low[0]), float(high[0]), len(relevant), queries)


def _draws(
    relevant: NDArray[np.bool_],
    relevance: Floats,
    query: NDArray[np.int64],
    resamples: int,
    seed: int,
) -> Floats:
    """(resamples,) ece of queries drawn again: a sum a query and bin, then sums of those."""
    queries = int(query.max()) + 1
    gap = np.bincount(
        query * BINS + bin_of(relevance), relevance - relevant, minlength=queries * BINS
    ).reshape(queries, BINS)
    count = np.bincount(query, minlength=queries).astype(np.float64)
    found = [
        np.abs(weights @ gap).sum(axis=1) / (weights @ count)
        for weights in bootstrap_weights(queries, resamples, seed)
    ]
    return np.concatenate(found)
