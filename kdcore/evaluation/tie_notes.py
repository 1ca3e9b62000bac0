"""Detect ads with equal scores, which have no order, and describe such a model."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kdcore.metrics.ranking import compact

TIED_DEPTH, MUCH_TIED = 5, 0.2  # from this share of the top 5 on, ties are reported
Equal = Literal["", "query", "all"]


def equal_scores(scores: NDArray[Any], queries: NDArray[Any]) -> Equal:
    """Return whether the scores of all pairs are equal, those within each query, or neither ("").

    scores, queries: (pairs,) the number that orders a pair, and the number of its query. A table
    without a query of two pairs or more has nothing to order.
    """
    apart = scores[1:] != scores[:-1]
    if (apart & (queries[1:] == queries[:-1])).any():  # two ads of a query beside each other
        return ""
    index, count = compact(queries)
    if len(scores) == count:
        return ""
    if (scores == scores[0]).all():
        return "all"
    one_of_each = np.empty(count)
    one_of_each[index] = scores
    return "query" if (scores == one_of_each[index]).all() else ""


def equal_sentence(equal: Equal, model: str) -> str:
    """Say what a model with equal scores cannot do; an empty text where they differ."""
    if equal == "all":
        return f"{model} gives every pair the same score, so it orders nothing."
    if equal == "query":
        return f"{model} gives all ads of a query the same score, so it orders no query's ads."
    return ""


def tied_notes(equal: Equal, tied: float, model: str, prefix: str = "") -> tuple[str, ...]:
    """Return a sentence where many ads of the top 5 have equal scores, or all ads have.

    tied: share of the places in the top 5 that are taken by such ads. prefix: before the sentence.
    """
    if sentence := equal_sentence(equal, model):
        return (f"{prefix}{sentence}",)
    if not tied >= MUCH_TIED:
        return ()
    return (
        f"{prefix}{tied:.0%} of the places in the top {TIED_DEPTH} are taken by ads with the same "
        "score as another ad of their query; nDCG and label density are averages over all orders "
        "of such ads.",
    )
