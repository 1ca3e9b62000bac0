"""Compute the numbers that order pairs from logits, so that confident answers never tie.

In double precision a softmax is exactly 1 once the gap between logits exceeds about 37: answers
that differ would tie. Pairs are therefore ordered not by a probability but by a number that rises
with it and never saturates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.labels import LabelScheme
from kdcore.predictions import Predictions
from kdcore.softlabels import log_soften

Floats = NDArray[np.float64]
BLOCK = 1 << 13  # rows


@dataclass(frozen=True)
class Scores:
    """A model's answer to each pair at T = 1.

    soft, log_soft: (pairs, classes) soft labels and their logs. relevance: (pairs,) P(relevant).
    log_odds: (pairs,) the number behind every ROC and precision-recall area. ranking: (pairs,) the
    number that orders the ads of a query. Predictions that were imported as one number per pair are
    ordered by it.
    """

    soft: Floats
    log_soft: Floats
    relevance: Floats
    log_odds: Floats
    ranking: Floats

    @classmethod
    def of(cls, predictions: Predictions, scheme: LabelScheme) -> "Scores":
        """Compute the scores of predictions in the grades of the scheme."""
        log_soft, own = in_blocks(log_soften, predictions.logits), predictions.ranking
        soft = np.exp(log_soft)
        return cls(
            soft,
            log_soft,
            scheme.relevance(soft),
            in_blocks(partial(log_odds, scheme=scheme), predictions.logits) if own is None else own,
            in_blocks(ranking_score, predictions.logits) if own is None else own,
        )


def in_blocks(compute: Callable[[NDArray[Any]], Floats], rows: NDArray[Any]) -> Floats:
    """Return what `compute` gives for (rows, ...), a few thousand rows at once.

    Its temporary arrays then stay in the cache; of a million rows they would be fetched from memory
    again and again.
    """
    blocks = np.array_split(rows, max(-(-len(rows) // BLOCK), 1))
    return np.concatenate([compute(block) for block in blocks])


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
    columns = _columns(logits)
    if len(columns) == 2:
        return np.asarray(columns[1] - columns[0])
    total, grades = _log_sum(columns), np.arange(len(columns))
    log_p = [column - total for column in columns]
    nearest = np.rint(np.exp(np.stack(log_p, axis=-1)) @ grades.astype(np.float64))
    place = nearest.astype(np.intp)
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
        distance = greater + np.log1p(-np.exp(ratio))  # log |r|; -inf where both sides are equal
        fine = 0.5 / (1 + np.log(0.5) - np.minimum(distance, np.log(0.5)))
    side = (above > below).astype(np.float64) - (above < below)
    return np.asarray(nearest + side * fine)


def log_sum(logits: Floats) -> Floats:
    """Return (...,) log of the sum of exponentials over the last axis; -inf where all are -inf."""
    return _log_sum(_columns(logits))


def _columns(logits: NDArray[Any]) -> list[Floats]:
    """Return the (...,) logits of each class; NumPy is slow on a short last axis."""
    return list(np.ascontiguousarray(np.moveaxis(logits, -1, 0), dtype=np.float64))


def _log_sum(columns: Sequence[Floats]) -> Floats:
    top = reduce(np.maximum, columns)
    empty = np.isneginf(top)
    top = np.where(empty, 0.0, top)
    # beside the largest, which is exp(0), this little is nothing; less makes exp() slow
    shares = (np.exp(np.maximum(each - top, -700.0)) for each in columns)
    return np.asarray(np.where(empty, -np.inf, top + np.log(reduce(np.add, shares))))
