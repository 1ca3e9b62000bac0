"""Measure how well scores separate relevant pairs: areas, accuracy, likelihood, Brier score.

All functions expect labelled pairs; callers leave the unlabelled ones out and count them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import DataError
from kdcore.softlabels import log_soften

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHUNK = 1 << 17  # weights handled at once: 1 MB of float64, which stays in the cache


@dataclass(frozen=True)
class ScoreOrder:
    """Pairs sorted once by score, so that areas under any weights need no further sort.

    relevant, irrelevant: rows of either kind, best score first. For each relevant pair: above,
    reach: irrelevant pairs that score higher, or not lower; hits: relevant ones not lower.
    """

    relevant: Ints
    irrelevant: Ints
    above: Ints
    reach: Ints
    hits: Ints

    @classmethod
    def of(cls, relevant: NDArray[np.bool_], scores: NDArray[Any]) -> "ScoreOrder":
        """Sort (pairs,) labels by (pairs,) scores."""
        scores = np.asarray(scores, dtype=np.float64)
        order = stable_order(-scores)
        kind, ranked = np.asarray(relevant, dtype=bool)[order], scores[order]
        run_starts = np.ones(len(order), dtype=bool)  # of equal scores
        run_starts[1:] = ranked[1:] != ranked[:-1]
        borders = np.append(np.flatnonzero(run_starts), len(order))
        run = (np.cumsum(run_starts) - 1)[kind]
        bad = np.append(0, np.cumsum(~kind))[borders]  # irrelevant pairs before each run
        good = np.append(0, np.cumsum(kind))[borders]
        return cls(order[kind], order[~kind], bad[run], bad[run + 1], good[run + 1])

    def areas(
        self, weights: Floats, groups: NDArray[np.integer[Any]] | None = None
    ) -> tuple[Floats, Floats]:
        """Compute (resamples,) ROC-AUC and PR-AUC under (resamples, groups) weights.

        PR-AUC is the step-wise average precision, scikit-learn's average_precision_score, which
        the tutorial used; the trapezoid under the curve is another number. Without a relevant
        pair both are nan, without an irrelevant one ROC-AUC is. Memory is bounded.

        groups: (pairs,) column of each pair's weight, by default its own.
        """
        roc, precision = np.full(len(weights), np.nan), np.full(len(weights), np.nan)
        if len(self.relevant) == 0:
            return roc, precision
        good, bad = self.relevant, self.irrelevant
        if groups is not None:
            good, bad = np.asarray(groups)[good], np.asarray(groups)[bad]
        step = max(1, CHUNK // (len(good) + len(bad)))
        for start in range(0, len(weights), step):
            rows = slice(start, start + step)
            mine = weights[rows]
            roc[rows], precision[rows] = self._areas(mine.take(good, 1), mine.take(bad, 1))
        return roc, precision

    def _areas(self, good: Floats, bad: Floats) -> tuple[Floats, Floats]:
        """Compute both areas under (resamples, relevant) and (resamples, irrelevant) weights."""
        misses = np.zeros((len(bad), bad.shape[1] + 1))
        np.cumsum(bad, axis=1, out=misses[:, 1:])
        hits = np.cumsum(good, axis=1)
        relevant, irrelevant = hits[:, -1], misses[:, -1]
        seen = misses.take(self.reach, 1)
        # a relevant pair beats every irrelevant one below it, and half of those it ties with
        above = np.einsum("ij,ij->i", good, seen)
        if not np.array_equal(self.above, self.reach):
            above = 0.5 * (above + np.einsum("ij,ij->i", good, misses.take(self.above, 1)))
        hits = hits.take(self.hits - 1, 1)
        seen += hits  # the weight of all pairs that score no less
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            average = np.einsum("ij,ij->i", good, precision) / relevant
            roc = 1 - above / (relevant * irrelevant)
        return np.where(irrelevant > 0, roc, np.nan), average


def stable_order(values: Floats) -> Ints:
    """Return np.argsort(values, kind="stable") of numbers without nan, several times as fast.

    NumPy's fastest sort leaves equal values in any order; their rows are sorted afterwards.
    """
    values = np.asarray(values, dtype=np.float64)
    order = np.argsort(values)
    ranked = values[order]
    new = ranked[1:] != ranked[:-1]
    if not new.all():
        run = np.append(0, np.cumsum(new))[: len(order)] * len(order)
        order = np.sort(run + order) - run
    return order


def roc_auc(relevant: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    """Return P(a relevant pair outscores an irrelevant one), ties count half; nan for one class."""
    return float(ScoreOrder.of(relevant, scores).areas(np.ones((1, len(scores))))[0][0])


def correct(relevant: NDArray[np.bool_], relevance: NDArray[Any]) -> NDArray[np.bool_]:
    """Return (pairs,) whether relevance >= 0.5 agrees with the label."""
    return np.asarray((np.asarray(relevance) >= 0.5) == relevant)


def nll(grades: NDArray[np.integer[Any]], logits: NDArray[Any], temperature: float = 1.0) -> Floats:
    """Return (pairs,) -log P(true grade) in nats; logits: (pairs, classes)."""
    return -at_grade(log_soften(logits, temperature), grades)


def at_grade(values: NDArray[Any], grades: NDArray[np.integer[Any]]) -> Floats:
    """Return (pairs,) values of (pairs, classes) at each pair's grade; DataError without grades."""
    grades = np.asarray(grades, dtype=np.int64)
    if len(grades) and grades.min() < 0:
        raise DataError(f"{(grades < 0).sum()} pairs have no grade; leave them out first")
    return np.asarray(np.take_along_axis(values, grades[:, None], axis=1)[:, 0])


def brier(relevant: NDArray[np.bool_], relevance: NDArray[Any]) -> Floats:
    """Return (pairs,) (relevance - label)², the two-class Brier score, 0 to 1."""
    return np.asarray((np.asarray(relevance, dtype=np.float64) - relevant) ** 2)


def mid_ranks(values: NDArray[Any]) -> Floats:
    """Return (pairs,) ranks from 1, equal values sharing the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse], dtype=np.float64)
