"""Measure how well scores separate relevant pairs: areas, accuracy, likelihood, Brier score.

All functions expect labelled pairs; callers leave the unlabelled ones out and count them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import DataError
from kdcore.metrics.ranking import in_order_of_rows, new_runs
from kdcore.metrics.weighted_areas import WeightedAreas
from kdcore.softlabels import log_soften

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
        good, bad = order[kind], order[~kind]
        run_starts = new_runs(ranked)
        if run_starts.all():
            above = np.cumsum(~kind)[kind]
            return cls(good, bad, above, above, np.arange(1, len(good) + 1))
        borders = np.append(np.flatnonzero(run_starts), len(order))
        run = (np.cumsum(run_starts) - 1)[kind]
        misses = np.append(0, np.cumsum(~kind))[borders]  # irrelevant pairs before each run
        hits = np.append(0, np.cumsum(kind))[borders]
        return cls(good, bad, misses[run], misses[run + 1], hits[run + 1])

    def whole(self) -> tuple[float, float]:
        """Compute ROC-AUC and PR-AUC of all pairs, each counted once.

        PR-AUC is the step-wise average precision, scikit-learn's average_precision_score, which
        the tutorial used; the trapezoid under the curve is another number. Without a relevant
        pair both are nan, without an irrelevant one ROC-AUC is.
        """
        good, bad = len(self.relevant), len(self.irrelevant)
        if not good:
            return float("nan"), float("nan")
        precision = float((self.hits / (self.hits + self.reach)).mean())
        lost = int(self.above.sum()) + int(self.reach.sum())
        return 1 - lost / (2 * good * bad) if bad else float("nan"), precision

    def areas(
        self, weights: Floats, groups: NDArray[np.integer[Any]] | None = None
    ) -> tuple[Floats, Floats]:
        """Compute (resamples,) ROC-AUC and PR-AUC under (resamples, groups) weights.

        groups: (pairs,) column of each pair's weight, by default its own.
        """
        return self.weighted(groups, weights.shape[1]).under(weights)

    def weighted(self, groups: NDArray[np.integer[Any]] | None, count: int) -> WeightedAreas:
        """Get the areas ready for weights of `count` groups; groups as in `areas`."""
        sides = self.relevant, self.irrelevant
        if groups is not None:
            sides = np.asarray(groups)[sides[0]], np.asarray(groups)[sides[1]]
        return WeightedAreas.of(self.hits, self.above, self.reach, sides, count)


def stable_order(values: Floats) -> Ints:
    """Return np.argsort(values, kind="stable") of numbers without nan, several times as fast."""
    values = np.asarray(values, dtype=np.float64)
    return in_order_of_rows(np.argsort(values), values)


def roc_auc(relevant: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    """Return P(a relevant pair outscores an irrelevant one), ties count half; nan for one class."""
    return ScoreOrder.of(relevant, scores).whole()[0]


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
