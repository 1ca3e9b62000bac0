from itertools import permutations

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from kdcore.metrics.ranking import (
    DEPTH,
    RankedLists,
    compact,
    counts_in,
    label_density,
    ndcg,
    ndcg_random,
    ndcg_worst,
    skill,
)


def label_counts(grades, scores, query_ids, classes, depth=DEPTH):
    return counts_in(RankedLists.of(scores, *compact(query_ids)), grades, classes, depth)


def lists(seed=0, pairs=200, queries=30, grades=5, distinct_scores=True):
    rng = np.random.default_rng(seed)
    query_ids = rng.integers(0, queries, pairs)
    scores = rng.permutation(pairs) / 7.0 if distinct_scores else rng.integers(0, 4, pairs) / 1.0
    return rng.integers(0, grades, pairs), scores, query_ids


def trec_ndcg(gains, scores, query_ids, k):
    qrels, run = {}, {}
    for row, (gain, score, query) in enumerate(zip(gains, scores, query_ids, strict=True)):
        qrels.setdefault(f"q{query}", {})[f"d{row}"] = int(gain)
        run.setdefault(f"q{query}", {})[f"d{row}"] = float(score)
    found = pytrec_eval.RelevanceEvaluator(qrels, {f"ndcg_cut.{k}"}).evaluate(run)
    return {int(query[1:]): values[f"ndcg_cut_{k}"] for query, values in found.items()}


@pytest.mark.parametrize("gain", ["linear", "exp2"])
@pytest.mark.parametrize("k", [1, 3, 5, 10, 20])
def test_ndcg_equals_trec_eval(gain, k):
    grades, scores, query_ids = lists()
    gains = grades if gain == "linear" else 2**grades - 1
    ours = ndcg(gains, scores, query_ids)[:, k - 1]
    theirs = trec_ndcg(gains, scores, query_ids, k)
    for query, value in zip(np.unique(query_ids), ours, strict=True):
        assert theirs[query] == pytest.approx(0 if np.isnan(value) else value, abs=1e-9)


@pytest.mark.parametrize("distinct", [True, False])
def test_ndcg_equals_scikit_learn_with_ties_and_without(distinct):
    grades, scores, query_ids = lists(distinct_scores=distinct)
    ours = ndcg(grades, scores, query_ids)
    for query, row in zip(np.unique(query_ids), ours, strict=True):
        mine = query_ids == query
        if mine.sum() < 2 or not grades[mine].any():
            continue
        for k in (1, 3, 20):
            expected = ndcg_score([grades[mine]], [scores[mine]], k=k)
            assert row[k - 1] == pytest.approx(expected, abs=1e-9)


def test_tied_numbers_are_means_over_all_orders_of_the_tied_ads():
    """Two ads lead, three are tied, one of them unjudged: all 12 orders worked out one by one."""
    grades, scores, one = np.array([0, 3, 1, -1, 2]), np.array([5.0, 1, 5, 1, 1]), np.zeros(5, int)
    orders = [(*top, *rest) for top in permutations((0, 2)) for rest in permutations((1, 3, 4))]
    counts = label_counts(grades, scores, one, 4, depth=5)[0]
    each = [label_counts(grades, -np.argsort(o), one, 4, depth=5)[0] for o in orders]
    np.testing.assert_allclose(counts, np.mean(each, axis=0))
    gains = np.array([0, 3, 1, 2, 2])
    each = [ndcg(gains, -np.argsort(o), one, depth=5)[0] for o in orders]
    np.testing.assert_allclose(ndcg(gains, scores, one, depth=5)[0], np.mean(each, axis=0))


def test_ndcg_has_the_values_of_the_fact_sheet():
    grades, scores, query_ids = np.array([0, 1, 3]), np.array([3.0, 2, 1]), np.zeros(3, int)
    assert ndcg(grades, scores, query_ids)[0, 2] == pytest.approx(0.58688, abs=5e-6)
    assert ndcg(2**grades - 1, scores, query_ids)[0, 2] == pytest.approx(0.54134, abs=5e-6)


def test_both_gains_agree_on_two_grades():
    grades, scores, query_ids = lists(grades=2)
    exp2 = ndcg(2**grades - 1, scores, query_ids)
    np.testing.assert_allclose(exp2, ndcg(grades, scores, query_ids), atol=1e-12)


def test_a_query_without_an_ideal_is_nan_not_zero():
    values = ndcg([0, 0, 1], [1.0, 2, 3], np.array([7, 7, 9]))
    assert np.isnan(values[0]).all()
    assert (values[1] == 1).all()


def test_no_pairs_give_no_queries():
    assert ndcg([], [], np.array([], int)).shape == (0, 20)


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), distinct=st.booleans())
def test_every_order_lies_between_the_worst_and_the_ideal(seed, distinct):
    grades, scores, query_ids = lists(seed, pairs=60, queries=8, distinct_scores=distinct)
    model, worst = ndcg(grades, scores, query_ids), ndcg_worst(grades, query_ids)
    random = ndcg_random(grades, query_ids)
    known = np.isfinite(model[:, 0])
    assert (worst[known] <= model[known] + 1e-12).all()
    assert (worst[known] <= random[known] + 1e-12).all()
    assert (model[known] <= 1 + 1e-12).all()
    np.testing.assert_allclose(ndcg(grades, grades, query_ids)[known], 1)
    np.testing.assert_allclose(ndcg(grades, -grades, query_ids)[known], worst[known])


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000))
def test_ndcg_ignores_the_order_of_rows_and_the_scale_of_scores(seed):
    grades, scores, query_ids = lists(seed, pairs=60, queries=8)
    shuffled = np.random.default_rng(seed).permutation(60)
    before = ndcg(grades, scores, query_ids)
    after = ndcg(grades[shuffled], np.exp(scores[shuffled]), query_ids[shuffled])
    np.testing.assert_allclose(before, after, atol=1e-12)


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000))
def test_moving_a_better_ad_up_never_lowers_ndcg(seed):
    grades, scores, query_ids = lists(seed, pairs=12, queries=1)
    order = np.argsort(-scores)
    swap = next((i for i in range(11) if grades[order[i]] < grades[order[i + 1]]), None)
    if swap is None:
        return
    better = scores.copy()
    better[order[[swap, swap + 1]]] = scores[order[[swap + 1, swap]]]
    gain = ndcg(grades, better, query_ids) - ndcg(grades, scores, query_ids)
    assert (gain >= -1e-12).all()
    assert gain.max() > 0


def test_random_line_is_the_mean_over_shuffled_orders():
    grades, _, query_ids = lists(pairs=40, queries=5)
    rng = np.random.default_rng(1)
    drawn = [ndcg(grades, rng.random(40), query_ids) for _ in range(3000)]
    np.testing.assert_allclose(np.mean(drawn, axis=0), ndcg_random(grades, query_ids), atol=0.015)


def test_all_scores_equal_is_the_random_line():
    grades, _, query_ids = lists()
    averaged = ndcg(grades, np.zeros(len(grades)), query_ids)
    np.testing.assert_allclose(averaged, ndcg_random(grades, query_ids), atol=1e-12)


def test_skill_is_zero_for_random_one_for_ideal_and_nan_without_room():
    np.testing.assert_allclose(skill([0.7, 1.0, 0.4], [0.7, 0.7, 0.7]), [0, 1, -1])
    assert np.isnan(skill(1.0, 1.0))


def test_density_shares_sum_to_one():
    grades, scores, query_ids = lists()
    shares = label_density(label_counts(grades, scores, query_ids, 5)).shares
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_density_is_pooled_over_the_shown_pairs():
    grades, scores = np.array([1, 0, 0, 1]), np.array([4.0, 3, 2, 1])
    query_ids = np.array([0, 1, 1, 1])
    pooled = label_density(label_counts(grades, scores, query_ids, 2))
    each = label_density(label_counts(grades, scores, query_ids, 2), average="query")
    np.testing.assert_allclose(pooled.shares[2], [2 / 4, 2 / 4])
    np.testing.assert_allclose(each.shares[2], [(0 + 2 / 3) / 2, (1 + 1 / 3) / 2])
    np.testing.assert_array_equal(pooled.labelled[:3], [2, 3, 4])


def test_an_unjudged_pair_lowers_coverage_and_no_share():
    grades, scores, query_ids = np.array([1, -1, 0]), np.array([3.0, 2, 1]), np.zeros(3, int)
    density = label_density(label_counts(grades, scores, query_ids, 2))
    np.testing.assert_allclose(density.coverage[:3], [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(density.shares[:3], [[0, 1], [0, 1], [0.5, 0.5]])


def test_density_without_a_judged_pair_is_nan():
    density = label_density(label_counts(np.array([-1]), np.array([1.0]), np.array([0]), 2))
    assert np.isnan(density.shares).all()
    assert (density.coverage == 0).all()


@pytest.mark.parametrize("sizes", [[3, 0, 5, 1, 4, 4], [1, 1, 1, 60], [0, 0], [10] * 30])
def test_lists_do_not_depend_on_how_they_are_sorted(sizes):
    """Rows query by query are sorted in short rows, other rows all at once."""
    rng = np.random.default_rng(0)
    index = np.repeat(np.arange(len(sizes)), sizes)
    scores = rng.normal(size=len(index)).round(1)
    lists, shuffled = RankedLists.of(scores, index, len(sizes)), rng.permutation(len(index))
    np.testing.assert_array_equal(lists.order, np.lexsort((-scores, index)))
    others = RankedLists.of(scores[shuffled], index[shuffled], len(sizes))
    for part in ("group", "rank", "sizes", "tie"):
        np.testing.assert_array_equal(getattr(lists, part), getattr(others, part))
    np.testing.assert_array_equal(scores[lists.order], scores[shuffled][others.order])
