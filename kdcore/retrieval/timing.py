"""How fast a search answers: one query at a time after warm-up, and many at once."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdcore.retrieval.exact import cosines_of, exact_top
from kdcore.retrieval.index import AnnIndex, efforts
from kdcore.retrieval.recall import Estimate, mean_with_interval, recall
from kdcore.retrieval.vectors import Vectors

WARM_UP = 10  # queries before the clock starts
MOST = 200  # queries timed one by one
BUDGET = 1.0  # seconds of searches one by one
FEWEST = 10  # queries that are timed however slow the search is


class SearchTime(NamedTuple):
    """Milliseconds per query, one query at a time, and queries per second in one batch."""

    p50_ms: float
    p95_ms: float
    per_second: float
    n: int


class Point(NamedTuple):
    """A point of the recall curve; effort: lists probed, or candidates kept; 0 when exact."""

    effort: int
    recall: Estimate
    time: SearchTime


def time_search(search: Callable[[Vectors], Any], queries: Vectors) -> SearchTime:
    """Time a search of (queries, width); seconds from the query's vector to the found ids.

    Fewer than `MOST` queries where the budget of a second is used up; `n` says how many.
    """
    for row in range(min(WARM_UP, len(queries))):
        search(queries[row : row + 1])
    seconds: list[float] = []
    started = time.perf_counter()
    for row in range(min(MOST, len(queries))):
        began = time.perf_counter()
        search(queries[row : row + 1])
        seconds.append(time.perf_counter() - began)
        if len(seconds) >= FEWEST and time.perf_counter() - started > BUDGET:
            break
    began = time.perf_counter()
    search(queries)
    whole = time.perf_counter() - began
    p50, p95 = 1000 * np.quantile(seconds, [0.5, 0.95])
    return SearchTime(float(p50), float(p95), len(queries) / max(whole, 1e-9), len(seconds))


def recall_curve(
    index: AnnIndex, queries: Vectors, k: int, passing: NDArray[np.bool_] | None = None
) -> list[Point]:
    """Recall@k against exact search, and time, at each effort of the index."""
    vectors = index.vectors.vectors
    best = exact_top(vectors, queries, k, passing)[1]
    points = []
    for effort in efforts(index.recipe) or (0,):
        hits = index.search(queries, k, effort, passing)
        cosines = cosines_of(hits.ids, vectors, queries)
        # the product of single rows may round otherwise than the matrix product
        per_query = recall(hits.ids, cosines + 1e-6, best)

        def search(some: Vectors, effort: int = effort) -> object:
            return index.search(some, k, effort, passing)

        points.append(Point(effort, mean_with_interval(per_query), time_search(search, queries)))
    return points
