"""Compute the numbers that order pairs from logits, so that confident answers never tie.

In double precision a softmax is exactly 1 once the gap between logits exceeds about 37: answers
that differ would tie. Pairs are therefore ordered not by a probability but by a number that rises
with it and never saturates.

All numbers of a pair come from the same exponentials, those of each logit minus the largest. Where
they are too small for a double (gaps of more than about 660), logarithms are summed instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.labels import LabelScheme
from kdcore.predictions import Predictions

Floats = NDArray[np.float64]
BLOCK = 1 << 13  # rows; their temporary arrays stay in the cache
_LOWEST = -700.0  # logits further below the largest are raised to it: exp() is slow there
_LEAST = 1e-290  # smaller sums of exponentials have lost digits


@dataclass(frozen=True)
class Scores:
    """A model's answer to each pair at T = 1.

    soft, log_soft: (pairs, classes) soft labels and their logs. relevance: (pairs,) P(relevant).
    log_odds: (pairs,) the number behind every ROC and precision-recall area. ranking: (pairs,) the
    number that orders the ads of a query. Predictions that were imported as one number per pair are
    ordered by it.
    """

    log_soft: Floats
    relevance: Floats
    log_odds: Floats
    ranking: Floats

    @property
    def soft(self) -> Floats:
        """(pairs, classes) soft labels."""
        return np.asarray(np.exp(self.log_soft))

    @classmethod
    def of(cls, predictions: Predictions, scheme: LabelScheme) -> "Scores":
        """Compute the scores of predictions in the grades of the scheme."""
        logits, own, cut = predictions.logits, predictions.ranking, scheme.relevant_from
        log_soft = np.empty((logits.shape[1], len(logits)))  # a row for each class
        relevance, odds, ranking = np.empty((3, len(logits)))
        for rows in _blocks(len(logits)):
            shares = _Shares.of(logits[rows])
            log_soft[:, rows], relevance[rows] = shares.log_soft(cut)
            if own is None:
                odds[rows], ranking[rows] = shares.log_odds(cut), shares.ranking()
        both = (odds, ranking) if own is None else (own, own)
        return cls(log_soft.T, relevance, *both)


def log_odds(logits: NDArray[Any], scheme: LabelScheme) -> Floats:
    """Return (pairs,) log P(relevant) / P(not relevant) at T = 1 from (pairs, classes) logits.

    It is the log-sum-exp of the relevant logits minus that of the others, with two grades the gap
    of the two logits. Log probabilities are logits too, -inf for a probability of 0.
    """
    cut = scheme.relevant_from
    odds = [_Shares.of(logits[rows]).log_odds(cut) for rows in _blocks(len(logits))]
    return np.concatenate(odds) if odds else np.zeros(0)


def ranking_score(logits: NDArray[Any]) -> Floats:
    """Map (pairs, classes) logits to (pairs,) numbers that rise with the expected grade at T = 1.

    With two grades it is the gap of the logits. With more, the expected grade E rounds to a whole
    grade m once that grade is certain, and different answers would tie. So the distance r = E - m
    is computed from the other grades alone, without subtracting from 1, and mapped to a scale that
    is fine near 0: m + sign(r) / (2 (1 + log(1/2) - log |r|)). This equals E at whole and half
    grades, rises with E everywhere, and separates gaps of hundreds of logits.
    """
    scores = [_Shares.of(logits[rows]).ranking() for rows in _blocks(len(logits))]
    return np.concatenate(scores) if scores else np.zeros(0)


def log_sum(logits: Floats) -> Floats:
    """Return (...,) log of the sum of exponentials over the last axis; -inf where all are -inf."""
    return _log_sum(list(np.moveaxis(np.asarray(logits, dtype=np.float64), -1, 0)))


def _blocks(rows: int) -> Iterator[slice]:
    """Yield slices of a few thousand rows."""
    return (slice(start, start + BLOCK) for start in range(0, rows, BLOCK))


@dataclass(frozen=True)
class _Shares:
    """The exponentials from which every number of some pairs is computed.

    columns: (classes, pairs) logits, a row for each class, as NumPy is slow on a short last axis.
    below: (classes, pairs) the same less the largest of each pair. each: e^below, perhaps 0.
    """

    columns: Floats
    below: Floats
    each: Floats

    @classmethod
    def of(cls, logits: NDArray[Any]) -> "_Shares":
        """Compute them from (pairs, classes) logits."""
        columns = np.ascontiguousarray(np.asarray(logits).T, dtype=np.float64)
        top = reduce(np.maximum, columns)
        with np.errstate(invalid="ignore"):  # a pair whose logits are all -inf has no answer
            below = columns - top
        return cls(columns, below, np.exp(below))

    def log_soft(self, cut: int) -> tuple[Floats, Floats]:
        """Return (classes, pairs) log soft labels, and (pairs,) P(grade of at least `cut`)."""
        log_soft = self.below - np.log(reduce(np.add, self.each))
        return log_soft, reduce(np.add, np.exp(log_soft[cut:]))

    def log_odds(self, cut: int) -> Floats:
        """Return (pairs,) log P(grade of at least `cut`) / P(lower grade)."""
        if len(self.columns) == 2:
            return np.asarray(self.columns[1] - self.columns[0])
        good, bad = reduce(np.add, self.each[cut:]), reduce(np.add, self.each[:cut])
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            odds = np.log(good / bad)
        lost = ~(np.minimum(good, bad) >= _LEAST)
        if lost.any():
            columns = self.columns[:, lost]
            odds[lost] = _log_sum(columns[cut:]) - _log_sum(columns[:cut])
        return np.asarray(odds)

    def ranking(self) -> Floats:
        """Return (pairs,) what `ranking_score` does."""
        if len(self.columns) == 2:
            return np.asarray(self.columns[1] - self.columns[0])
        total, grades = reduce(np.add, self.each), range(len(self.columns))
        nearest = np.rint(reduce(np.add, (k * self.each[k] for k in grades[1:])) / total)
        away = [(k - nearest) * self.each[k] for k in grades]
        # from the nearest grades outwards on both sides, so that what is even cancels exactly
        above = reduce(np.add, (np.maximum(each, 0.0) for each in away))
        below = reduce(np.add, (np.maximum(-each, 0.0) for each in reversed(away)))
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.log(np.abs(above - below) / total)  # log |r|; -inf where r is 0
        side = np.sign(above - below)
        lost = ~(np.maximum(above, below) >= _LEAST)
        if lost.any():
            distance[lost], side[lost] = _distance(self.columns[:, lost], nearest[lost])
        fine = 0.5 / (1 + np.log(0.5) - np.minimum(distance, np.log(0.5)))
        return np.asarray(nearest + side * fine)


def _distance(columns: Floats, nearest: Floats) -> tuple[Floats, Floats]:
    """Return (pairs,) log |r| and the sign of r, see `ranking_score`, from logarithms alone.

    columns: (classes, pairs) logits. nearest: (pairs,) the whole grade m.
    """
    total, grades = _log_sum(columns), np.arange(len(columns))
    place = nearest.astype(np.intp)
    log_p = [column - total for column in columns]
    with np.errstate(divide="ignore"):
        above, below = (  # log of the part of r that the grades on each side of m bring
            _log_sum([each + np.log(np.maximum(away, 0.0))[place] for each, away in ways])
            for ways in (  # the lowest grade is above none, the highest below none
                [(each, k - grades) for k, each in enumerate(log_p) if k > 0],
                [(each, grades - k) for k, each in enumerate(log_p) if k < grades[-1]],
            )
        )
        greater, lesser = np.maximum(above, below), np.minimum(above, below)
        certain = np.isneginf(greater)
        ratio = np.where(certain, -np.inf, lesser - np.where(certain, 0.0, greater))
        distance = greater + np.log1p(-np.exp(ratio))  # -inf where both sides are equal
    return distance, (above > below).astype(np.float64) - (above < below)


def _log_sum(columns: Sequence[Floats] | Floats) -> Floats:
    top = reduce(np.maximum, columns)
    empty = np.isneginf(top)
    top = np.where(empty, 0.0, top)
    # beside the largest, which is exp(0), this little is nothing; less makes exp() slow
    shares = (np.exp(np.maximum(each - top, _LOWEST)) for each in columns)
    return np.asarray(np.where(empty, -np.inf, top + np.log(reduce(np.add, shares))))
