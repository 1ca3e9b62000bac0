"""Compute the numbers that order pairs from logits, so that confident answers never tie.

In double precision a softmax is exactly 1 once the gap between logits exceeds about 37: answers
that differ would tie. Pairs are therefore ordered not by a probability but by a number that rises
with it and never saturates.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.labels import LabelScheme
from kdcore.predictions import Predictions
from kdcore.softlabels import soften

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """A model's answer to each pair at T = 1.

    soft: (pairs, classes) soft labels. relevance: (pairs,) P(relevant). log_odds: (pairs,) the
    number behind every ROC and precision-recall area. ranking: (pairs,) the number that orders the
    ads of a query. Predictions that were imported as one number per pair are ordered by it.
    """

    soft: Floats
    relevance: Floats
    log_odds: Floats
    ranking: Floats

    @classmethod
    def of(cls, predictions: Predictions, scheme: LabelScheme) -> "Scores":
        """Compute the scores of predictions in the grades of the scheme."""
        soft = soften(predictions.logits)
        own = predictions.ranking
        return cls(
            soft,
            scheme.relevance(soft),
            log_odds(predictions.logits, scheme) if own is None else own,
            ranking_score(predictions.logits) if own is None else own,
        )


def log_odds(logits: NDArray[Any], scheme: LabelScheme) -> Floats:
    """Return (pairs,) log P(relevant) / P(not relevant) at T = 1 from (pairs, classes) logits.

    It is the log-sum-exp of the relevant logits minus that of the others, with two grades the gap
    of the two logits. Log probabilities are logits too, -inf for a probability of 0.
    """
    logits = np.asarray(logits, dtype=np.float64)
    cut = scheme.relevant_from
    return np.asarray(log_sum(logits[..., cut:]) - log_sum(logits[..., :cut]))


def ranking_score(logits: NDArray[Any]) -> Floats:
    """Map (pairs, classes) logits to (pairs,) numbers that rise with the expected grade at T = 1.

    With two grades it is the gap of the logits. With more, the expected grade E rounds to a whole
    grade m once that grade is certain, and different answers would tie. So the distance r = E - m
    is computed from the other grades alone, without subtracting from 1, and mapped to a scale that
    is fine near 0: m + sign(r) / (2 (1 + log(1/2) - log |r|)). This equals E at whole and half
    grades, rises with E everywhere, and separates gaps of hundreds of logits.
    """
    logits = np.asarray(logits, dtype=np.float64)
    classes = logits.shape[-1]
    if classes == 2:
        return np.asarray(logits[..., 1] - logits[..., 0])
    log_p = logits - log_sum(logits)[..., None]
    grades = np.arange(classes, dtype=np.float64)
    nearest = np.rint(np.exp(log_p) @ grades)
    away = grades - nearest[..., None]
    with np.errstate(divide="ignore"):
        above = log_sum(log_p + np.log(np.maximum(away, 0.0)))
        below = log_sum(log_p + np.log(np.maximum(-away, 0.0)))
        greater, lesser = np.maximum(above, below), np.minimum(above, below)
        certain = np.isneginf(greater)
        ratio = np.where(certain, -np.inf, lesser - np.where(certain, 0.0, greater))
        distance = greater + np.log1p(-np.exp(ratio))  # log |r|; -inf where both sides are equal
        fine = 0.5 / (1 + np.log(0.5) - np.minimum(distance, np.log(0.5)))
    side = (above > below).astype(np.float64) - (above < below)
    return np.asarray(nearest + side * fine)


def log_sum(logits: Floats) -> Floats:
    """Return (...,) log of the sum of exponentials over the last axis; -inf where all are -inf."""
    columns = [logits[..., k] for k in range(logits.shape[-1])]  # faster than a short last axis
    top = reduce(np.maximum, columns)
    top = np.where(np.isneginf(top), 0.0, top)
    with np.errstate(divide="ignore"):
        return np.asarray(top + np.log(sum(np.exp(column - top) for column in columns)))
