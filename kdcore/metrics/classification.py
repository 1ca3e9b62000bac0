"""How well scores tell relevant from not: areas under curves, accuracy, likelihood, Brier.

Only judged pairs come in here: whoever calls leaves the unlabelled ones out and counts them.
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
    reach: irrelevant pairs that score more, or no less; hits: relevant ones that score no less.
    """

    relevant: Ints
    irrelevant: Ints
    above: Ints
    reach: Ints
    hits: Ints

    @classmethod
    def of(cls, relevant: NDArray[np.bool_], scores: NDArray[Any]) -> "ScoreOrder":
        """relevant, scores: (pairs,)."""
        scores = np.asarray(scores, dtype=np.float64)
        order = np.argsort(-scores, kind="stable")
        kind = np.asarray(relevant, dtype=bool)[order]
        good, bad = -scores[order[kind]], -scores[order[~kind]]
        return cls(
            order[kind],
            order[~kind],
            np.searchsorted(bad, good, side="left"),
            np.searchsorted(bad, good, side="right"),
            np.searchsorted(good, good, side="right"),
        )

    def areas(
        self, weights: Floats, groups: NDArray[np.integer[Any]] | None = None
    ) -> tuple[Floats, Floats]:
        """(resamples,) ROC-AUC and average precision under (resamples, groups) weights.

        groups: (pairs,) column of each pair's weight, by default its own. Area without a relevant
        pair: nan; ROC-AUC without an irrelevant one: nan. Memory is bounded whatever the sizes.
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
        """Both areas under (resamples, relevant) and (resamples, irrelevant) weights."""
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


def roc_auc(relevant: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    """P(a relevant pair outscores an irrelevant one), ties count half; nan with one class only."""
    return float(ScoreOrder.of(relevant, scores).areas(np.ones((1, len(scores))))[0][0])


def average_precision(relevant: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    """PR-AUC, step-wise: sum of (R_n - R_{n-1}) P_n over thresholds; nan without a relevant pair.

    This is scikit-learn's average_precision_score, which the tutorial used. The trapezoid under
    the precision-recall curve is another number.
    """
    return float(ScoreOrder.of(relevant, scores).areas(np.ones((1, len(scores))))[1][0])


def correct(relevant: NDArray[np.bool_], relevance: NDArray[Any]) -> NDArray[np.bool_]:
    """(pairs,) whether relevance >= 0.5 says what the label says."""
    return np.asarray((np.asarray(relevance) >= 0.5) == relevant)


def nll(grades: NDArray[np.integer[Any]], logits: NDArray[Any], temperature: float = 1.0) -> Floats:
    """(pairs,) -log P(true grade) in nats; logits: (pairs, classes)."""
    log_p = log_soften(logits, temperature)
    return -at_grade(log_p, grades)


def at_grade(values: NDArray[Any], grades: NDArray[np.integer[Any]]) -> Floats:
    """(pairs,) the value of (pairs, classes) at each pair's grade; DataError when one has none."""
    grades = np.asarray(grades, dtype=np.int64)
    if len(grades) and grades.min() < 0:
        raise DataError(f"{(grades < 0).sum()} pairs carry no grade; leave them out first")
    return np.asarray(np.take_along_axis(values, grades[:, None], axis=1)[:, 0])


def brier(relevant: NDArray[np.bool_], relevance: NDArray[Any]) -> Floats:
    """(pairs,) (relevance - label)², the two-class Brier score, 0 to 1."""
    return np.asarray((np.asarray(relevance, dtype=np.float64) - relevant) ** 2)


def mid_ranks(values: NDArray[Any]) -> Floats:
    """(pairs,) rank of each value from 1, equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse], dtype=np.float64)
