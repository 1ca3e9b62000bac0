"""Whole queries are drawn: grouped, in a seeded order, up to a limit."""

import numpy as np

from kdcore.data.drawing import query_by_query, whole_queries


def test_queries_are_grouped_and_a_query_beyond_the_limit_stays_out():
    queries = np.array([7, 2, 7, 5, 2, 2])
    drawn = queries[query_by_query(queries, seed=0)]
    assert sorted(drawn) == sorted(queries)
    assert np.count_nonzero(np.diff(drawn)) == 2
    limits = (1, 2, 3, 5, 6, 9)
    assert [whole_queries(np.array([7, 7, 5, 2, 2, 2]), n) for n in limits] == [2, 2, 3, 3, 6, 6]
