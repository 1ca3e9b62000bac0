"""Draw whole queries in a seeded random order, and take as many of them as a limit lets in.

A limit takes the first, so that the pairs of a small limit are among those of a larger one.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def query_by_query(queries: Rows, seed: int) -> Rows:
    """Return (rows,) positions, grouped by query, the queries in a seeded random order.

    queries: (rows,) the query of each row.
    """
    different, inverse = np.unique(queries, return_inverse=True)
    places = np.argsort(np.random.default_rng(seed).permutation(len(different)))
    return np.argsort(places[inverse], kind="stable")


def whole_queries(queries: Rows, most: int) -> int:
    """Count the first rows that make up whole queries and are at most `most`.

    One query larger than that is still whole. queries: (rows,) the query of each, grouped.
    """
    if len(queries) <= most:
        return len(queries)
    ends = np.flatnonzero(np.diff(queries)) + 1
    fits = ends[ends <= most]
    return int(fits[-1] if len(fits) else [*ends, len(queries)][0])
