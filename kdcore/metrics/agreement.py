"""Measure how near a model is to another, or to the truth of the bundled world; no label needed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.metrics.ranking import RankedLists, compact
from kdcore.softlabels import log_soften, over_classes

Floats = NDArray[np.float64]


def same_top_grade(a_logits: NDArray[Any], b_logits: NDArray[Any]) -> NDArray[np.bool_]:
    """Return (pairs,) whether both models give the same likeliest grade; ties: the lower grade."""
    return np.asarray(top_grade(a_logits) == top_grade(b_logits))


def top_grade(logits: NDArray[Any]) -> NDArray[np.int16]:
    """Return (pairs,) the likeliest grade of each; ties: the lower grade."""
    columns = np.ascontiguousarray(np.asarray(logits).T)  # NumPy is slow on a short last axis
    best, grade = columns[0], np.zeros(columns.shape[1], dtype=np.int16)
    for k, column in enumerate(columns[1:], start=1):
        grade = np.where(column > best, np.int16(k), grade)
        best = np.maximum(column, best)
    return grade


def truth_kl(truth: NDArray[Any], logits: NDArray[Any]) -> Floats:
    """Return (pairs,) KL(truth || model at T = 1) in nats; a grade of truth 0 adds nothing."""
    truth = np.asarray(truth, dtype=np.float64)
    return truth_kl_of_logs(truth, negative_entropy(truth), log_soften(logits))


def negative_entropy(truth: NDArray[Any]) -> Floats:
    """Return (pairs,) sums of p log p over the grades, the part of truth_kl without a model."""
    truth = np.asarray(truth, dtype=np.float64)
    log_truth = np.log(truth, out=np.zeros_like(truth), where=truth > 0)
    return np.asarray(over_classes(np.add, truth * log_truth)[:, 0])


def truth_kl_of_logs(truth: Floats, entropy: Floats, log_p: Floats) -> Floats:
    """Return truth_kl from `negative_entropy` and the logs of the model's soft labels."""
    return np.asarray(np.maximum(entropy - over_classes(np.add, truth * log_p)[:, 0], 0.0))


def truth_error(true_relevance: NDArray[Any], relevance: NDArray[Any]) -> Floats:
    """Return (pairs,) |relevance - true relevance|."""
    return np.abs(np.asarray(relevance, np.float64) - np.asarray(true_relevance, np.float64))


def rank_correlation(
    scores: NDArray[Any], reference: NDArray[Any], query_ids: NDArray[np.integer[Any]]
) -> Floats:
    """Return (queries,) Spearman's rho within each query, equal scores sharing their mean rank.

    scores, reference, query_ids: (pairs,); queries in ascending order of their ids. nan when the
    reference orders nothing (one pair, or all equal); 0 when only the scores order nothing.
    """
    index, queries = compact(query_ids)
    a, b = _centered_ranks(scores, index, queries), _centered_ranks(reference, index, queries)
    product, a_square, b_square = (
        np.bincount(index, values, minlength=queries) for values in (a * b, a * a, b * b)
    )
    norm = np.sqrt(a_square * b_square)
    rho = np.divide(product, norm, out=np.zeros(queries), where=norm > 0)
    return np.where(b_square > 0, np.clip(rho, -1, 1), np.nan)


def _centered_ranks(values: NDArray[Any], index: NDArray[np.int64], queries: int) -> Floats:
    lists = RankedLists.of(values, index, queries)
    if len(index) == 0:
        return np.zeros(0)
    shared = (np.bincount(lists.tie, lists.rank) / np.bincount(lists.tie))[lists.tie]
    ranks = np.empty(len(index))
    ranks[lists.order] = shared
    return np.asarray(ranks - (lists.sizes[index] - 1) / 2)
