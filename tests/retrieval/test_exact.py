import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kdcore.retrieval import exact
from kdcore.retrieval.exact import MISSING, exact_top


def by_sorting(vectors, queries, k, passing=None):
    """Every cosine, sorted: the slow and plain way."""
    cosines = queries @ vectors.T
    if passing is not None:
        cosines[:, ~passing] = -np.inf
    return np.argsort(-cosines, axis=1, kind="stable")[:, :k]


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 12))
def test_exact_search_finds_what_sorting_all_cosines_finds(seed, ads, k):
    rng = np.random.default_rng(seed)
    # whole numbers: equal products are equal in every order of summation, and many tie
    vectors = rng.integers(-2, 3, (ads, 3)).astype(np.float32)
    queries = rng.integers(-2, 3, (4, 3)).astype(np.float32)
    ids, scores = exact_top(vectors, queries, k)
    shown = min(k, ads)
    np.testing.assert_array_equal(ids[:, :shown], by_sorting(vectors, queries, k))
    assert (ids[:, shown:] == MISSING).all()
    assert np.isneginf(scores[:, shown:]).all()


def test_blocks_of_queries_give_what_one_block_gives(vectors, queries, monkeypatch):
    whole = exact_top(vectors.vectors, queries, 10)[0]
    monkeypatch.setattr(exact, "BLOCK", 2 * len(vectors))
    assert (exact_top(vectors.vectors, queries, 10)[0] == whole).mean() > 0.99


def test_only_passing_ads_are_found_and_their_ids_are_those_of_all_ads(vectors, queries):
    passing = np.random.default_rng(0).random(len(vectors)) < 0.2
    ids, _ = exact_top(vectors.vectors, queries, 10, passing)
    np.testing.assert_array_equal(ids, by_sorting(vectors.vectors, queries, 10, passing))


def test_a_filter_that_no_ad_passes_finds_nothing(vectors, queries):
    ids, scores = exact_top(vectors.vectors, queries, 3, np.zeros(len(vectors), dtype=bool))
    assert (ids == MISSING).all()
    assert np.isneginf(scores).all()


def test_a_single_ad_is_found_first(queries):
    ids, _ = exact_top(queries[:1], queries, 2)
    assert ids[:, 0].tolist() == [0] * len(queries)
    assert (ids[:, 1] == MISSING).all()
