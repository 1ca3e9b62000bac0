import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, permutation_test, ttest_1samp

from kdcore.metrics.significance import (
    Support,
    bootstrap_weights,
    few,
    interval,
    p_value,
    sign_flip_p,
    smallest_detectable,
    swaps,
    verdict,
)


def test_every_resample_draws_as_many_queries_as_there_are():
    weights = np.concatenate(list(bootstrap_weights(40, 300, seed=1)))
    assert weights.shape == (300, 40)
    np.testing.assert_array_equal(weights.sum(axis=1), 40)
    assert weights.mean(axis=0) == pytest.approx(1, abs=0.3)


def test_equal_seeds_pair_the_draws_and_others_do_not():
    first, again, other = (
        np.concatenate(list(bootstrap_weights(40, 50, seed=s))) for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_large_tables_are_drawn_in_chunks(monkeypatch):
    monkeypatch.setattr("kdcore.metrics.significance.CHUNK", 100)
    assert [len(w) for w in bootstrap_weights(30, 7, seed=0)] == [3, 3, 1]
    assert [len(s) for s in swaps(30, 7, seed=0)] == [3, 3, 1]


def test_swaps_are_fair_coins_of_ones_and_zeros():
    coins = np.concatenate(list(swaps(13, 4000, seed=0)))
    assert set(np.unique(coins)) == {0.0, 1.0}
    np.testing.assert_allclose(coins.mean(axis=0), 0.5, atol=0.04)


def test_bootstrap_interval_of_a_mean_is_the_textbook_interval():
    values = np.random.default_rng(0).normal(size=400)
    means = np.concatenate([w @ values / 400 for w in bootstrap_weights(400, 4000, seed=0)])
    values_of, support = values[:, None], Support.of(values[:, None])
    low, high = interval(means[:, None], values_of.mean(axis=0), support)
    error = values.std() / 20
    assert low[0] == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error * 2)
    assert high[0] == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error * 2)
    detectable = smallest_detectable(means[:, None], support)[0]
    assert detectable == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * error, rel=0.05)


def test_undefined_draws_are_left_out_until_they_are_the_most():
    draws = np.column_stack([np.arange(100.0), np.full(100, np.nan), np.arange(100.0)])
    draws[:10, 0], draws[:60, 2] = np.nan, np.nan
    support = Support.whole(1000, 3)
    low, high = interval(draws, np.full(3, 50.0), support)
    assert 10 <= low[0] < high[0] <= 99
    assert np.isnan([low[1], high[1], low[2]]).all()
    assert np.isnan(smallest_detectable(draws, support)[1])


def test_no_draws_give_no_interval():
    support = Support.whole(9, 2)
    assert np.isnan(interval(np.zeros((0, 2)), np.zeros(2), support)).all()
    assert np.isnan(smallest_detectable(np.zeros((0, 2)), support)).all()


def drawn(values, resamples=800, seed=0):
    """(resamples, 1) bootstrap means of (queries,) values."""
    n = len(values)
    return np.concatenate([w @ values[:, None] / n for w in bootstrap_weights(n, resamples, seed)])


def test_few_queries_widen_the_bootstrap_to_student_s_interval():
    values = np.random.default_rng(3).normal(size=8)
    low, high = interval(
        drawn(values, 4000), values[None].mean(axis=1), Support.of(values[:, None])
    )
    textbook = ttest_1samp(values, 0).confidence_interval(0.95)
    width = textbook.high - textbook.low
    assert high[0] - low[0] == pytest.approx(width * np.sqrt(8 / 7), rel=0.08)  # 7 of 8 vary


@pytest.mark.parametrize("queries", [3, 8, 50, 1000])
def test_queries_that_all_agree_leave_room_for_one_that_does_not(queries):
    """A bootstrap of equal values is a point: at 8 queries it held a small truth 6 times in 10."""
    same = np.zeros((queries, 1))
    low, high = interval(drawn(same[:, 0]), np.zeros(1), Support.of(same))
    assert -low[0] == high[0] > 1 / queries
    assert smallest_detectable(drawn(same[:, 0]), Support.of(same))[0] > high[0]
    known = interval(drawn(same[:, 0]), np.zeros(1), Support.of(same), reach=0.0)
    assert (known[0][0], known[1][0]) == (0, 0)


@given(st.integers(3, 40), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=40, deadline=None)
def test_an_interval_is_never_narrower_than_the_draws_and_holds_its_estimate(n, seed, coarse):
    values = np.random.default_rng(seed).normal(size=n)
    values = values.round() if coarse else values
    draws, estimate = drawn(values, 200), values[None].mean(axis=1)
    low, high = interval(draws, estimate, Support.of(values[:, None]))
    assert low[0] <= min(estimate[0], np.quantile(draws, 0.025))
    assert high[0] >= max(estimate[0], np.quantile(draws, 0.975))


@pytest.mark.parametrize(("queries", "least"), [(8, 0.92), (20, 0.93), (100, 0.93)])
def test_the_interval_of_a_rare_difference_holds_the_truth(queries, least):
    """nDCG@1 of two like models: 0 in most queries, -1 or 1 in a few."""
    rng = np.random.default_rng(queries)
    hits = []
    for seed in range(250):
        values = rng.choice([-1.0, 0.0, 0.5, 1.0], p=[0.06, 0.74, 0.1, 0.1], size=queries)
        ends = interval(
            drawn(values, 200, seed), values[None].mean(axis=1), Support.of(values[:, None])
        )
        hits.append(ends[0][0] <= 0.09 <= ends[1][0])
    assert np.mean(hits) >= least


def test_support_counts_what_is_known_and_what_stands_out():
    parts = np.array([[1.0, np.nan, 0.2], [1.0, np.nan, 0.4], [0.5, 0.3, 0.6], [1.0, np.nan, 0.6]])
    support = Support.of(parts)
    assert support.queries.tolist() == [4, 1, 4]
    assert support.varying.tolist() == [1, 0, 2]
    one = interval(np.zeros((50, 3)), np.zeros(3), support)
    assert np.isnan(one[0][1])  # a single query says nothing of others


def test_few_queries_are_said():
    assert "Few queries: 8, so" in few(8)
    assert [few(n) for n in (0, 1, 20, 500)] == [""] * 4


def test_sign_flips_reach_the_exact_p_of_all_flips():
    differences = np.array([0.3, -0.1, 0.4, 0.2, 0.25, -0.05, 0.1, 0.3])
    flips = [
        abs(np.dot(signs, differences)) >= differences.sum() - 1e-12
        for signs in itertools.product([1, -1], repeat=8)
    ]
    found = sign_flip_p(differences[:, None], permutations=50_000)[0]
    assert found == pytest.approx(np.mean(flips), abs=0.005)


def test_sign_flips_agree_with_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.2, 1, 60), rng.normal(0, 1, 60)
    scipy = permutation_test(
        (a, b),
        lambda x, y, axis: (x - y).mean(axis=axis),
        permutation_type="samples",
        n_resamples=9999,
        rng=np.random.default_rng(1),
        vectorized=True,
    )
    assert sign_flip_p((a - b)[:, None])[0] == pytest.approx(scipy.pvalue, abs=0.02)


def test_equal_models_have_p_one_and_no_p_is_zero():
    assert sign_flip_p(np.zeros((20, 1)))[0] == 1
    assert sign_flip_p(np.ones((200, 1)))[0] == pytest.approx(1 / 10_001)
    assert p_value(np.array([0]), 99)[0] == 0.01


@pytest.mark.parametrize(
    ("low", "high", "p", "higher", "said"),
    [
        (0.1, 0.2, 0.01, True, "BETTER"),
        (0.1, 0.2, 0.01, False, "WORSE"),
        (-0.2, -0.1, 0.01, True, "WORSE"),
        (-0.2, -0.1, 0.01, False, "BETTER"),
        (-0.1, 0.2, 0.01, True, "INCONCLUSIVE"),
        (0.1, 0.2, 0.06, True, "INCONCLUSIVE"),
        (0.0, 0.2, 0.01, True, "INCONCLUSIVE"),
        (float("nan"), float("nan"), 0.01, True, "INCONCLUSIVE"),
        (0.1, 0.2, float("nan"), True, "INCONCLUSIVE"),
    ],
)
def test_verdict_takes_a_side_only_when_interval_and_p_agree(low, high, p, higher, said):
    assert verdict(low, high, p, higher) == said


def null_verdicts(trials, queries=150, seed=0):
    """Verdicts on two models that differ by noise alone."""
    rng = np.random.default_rng(seed)
    said = []
    for trial in range(trials):
        differences = rng.standard_t(4, size=(queries, 1)) * 0.1
        draws = np.concatenate(
            [w @ differences / queries for w in bootstrap_weights(queries, 400, trial)]
        )
        estimate = differences.mean(axis=0)
        low, high = interval(draws, estimate, Support.of(differences))
        p = sign_flip_p(differences, 400, trial)
        said.append(verdict(low[0], high[0], p[0]))
    return np.mean([v != "INCONCLUSIVE" for v in said])


def test_noise_alone_takes_a_side_about_one_time_in_twenty():
    assert 0.01 <= null_verdicts(400) <= 0.085


@pytest.mark.slow
def test_noise_alone_takes_a_side_in_at_most_six_of_a_hundred_trials():
    assert 0.03 <= null_verdicts(4000) <= 0.06
