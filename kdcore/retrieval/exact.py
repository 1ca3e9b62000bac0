"""Exact search: every ad's cosine as a matrix product, block by block, and the k best of each."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.retrieval.vectors import Vectors

Ids = NDArray[np.int64]
BLOCK = 1 << 24  # scores in memory at a time: 64 MB
MISSING = -1  # the id at a place for which there is no ad


def exact_top(
    vectors: Vectors, queries: Vectors, k: int, passing: NDArray[np.bool_] | None = None
) -> tuple[Ids, Vectors]:
    """Return (queries, k) ids and cosines, best first; of equal cosines the lower id first.

    vectors: (ads, width), queries: (queries, width), both of unit length. passing: (ads,) which
    ads may be found. Places beyond the last ad hold id -1 and cosine -inf.
    """
    if passing is not None:
        rows = np.flatnonzero(passing)
        places, scores = exact_top(vectors[rows], queries, k)
        ids = np.full_like(places, MISSING)
        ids[places >= 0] = rows[places[places >= 0]]
        return ids, scores
    ids = np.full((len(queries), k), MISSING, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    if not len(vectors):
        return ids, scores
    most, step = min(k, len(vectors)), max(1, BLOCK // len(vectors))
    for start in range(0, len(queries), step):
        cosines = queries[start : start + step] @ vectors.T
        for row, values in enumerate(cosines, start):
            best = _best(values, most)
            ids[row, :most], scores[row, :most] = best, values[best]
    return ids, scores


def _best(values: Vectors, k: int) -> Ids:
    """The places of the k largest values, largest first, of equal ones the first."""
    least = values.max() if k == 1 else np.partition(values, len(values) - k)[len(values) - k]
    reach = np.flatnonzero(values >= least)  # more than k where some tie with the last
    return reach[np.argsort(-values[reach], kind="stable")][:k]


def order_by(scores: NDArray[Any], ids: NDArray[np.integer[Any]]) -> Ids:
    """Places by falling score, of equal ones the lower id first, along the last axis."""
    return np.lexsort((ids, -scores))


def best_first(ids: Ids, scores: NDArray[Any]) -> tuple[Ids, NDArray[Any]]:
    """Sort (..., k) ids and scores by falling score, of equal ones the lower id first."""
    order = order_by(scores, ids)
    return np.take_along_axis(ids, order, -1), np.take_along_axis(scores, order, -1)


def cosines_of(ids: Ids, vectors: Vectors, queries: Vectors) -> Vectors:
    """(queries, k) cosines of the ads that were found for each query; -inf where none was."""
    cosines = np.einsum("qkd,qd->qk", vectors[np.maximum(ids, 0)], queries)
    return np.where(ids < 0, -np.inf, cosines).astype(np.float32)
