"""Intervals of CKA and RSA: by hand, against leaving queries out, and by what they promise."""

import numpy as np
import pytest

from kdcore.metrics.similarity import linear_cka, rsa
from kdcore.projection.intervals import cka_effects, cka_interval, rsa_effects, rsa_interval

BOTH = [(linear_cka, cka_interval), (rsa, rsa_interval)]


def two_spaces(pairs=120, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    one = rng.normal(size=(pairs, 5)) * [3, 2, 1, 1, 1]
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    return one, one @ turn + noise * rng.normal(size=(pairs, 5))


@pytest.mark.parametrize(("measure", "interval"), BOTH)
def test_a_space_and_its_turned_copy_are_surely_the_same(measure, interval):
    one, other = two_spaces(noise=0)
    same = one * 7 if measure is rsa else other * 7  # turning a space moves means over features
    low, high = interval(measure(one, same), one, same, np.arange(120))
    assert (low, high) == pytest.approx((1, 1), abs=1e-6)


def test_the_effect_of_a_weight_on_cka_by_hand():
    """One feature each: CKA is the squared correlation; here (1·1 + 1·1 + 0)² / (2 · 2)."""
    a, b = np.array([[1.0], [-1.0], [0.0]]), np.array([[1.0], [-1.0], [0.0]])
    np.testing.assert_allclose(cka_effects(a, b), 0, atol=1e-12)
    b = np.array([[1.0], [0.0], [-1.0]])
    # ab = 1, 0, 0 of 1; aa = 1, 1, 0 of 2; bb = 1, 0, 1 of 2: 2 ab/1 - aa/2 - bb/2
    np.testing.assert_allclose(cka_effects(a, b), [1, -0.5, -0.5])


@pytest.mark.parametrize(("measure", "interval"), BOTH)
def test_the_spread_is_that_of_leaving_out_a_query_at_a_time(measure, interval):
    one, other = two_spaces()
    groups = np.repeat(np.arange(40), 3)
    low, high = interval(measure(one, other), one, other, groups)
    left_out = np.array([measure(one[groups != g], other[groups != g]) for g in range(40)])
    spread = np.sqrt(39 / 40 * ((left_out - left_out.mean()) ** 2).sum())
    value = measure(one, other)
    assert low < value < high
    assert (high - low) / 2 / 2.02 == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize(("measure", "interval"), BOTH)
def test_the_spread_is_that_of_other_samples_of_the_same_two_spaces(measure, interval):
    values, halves = [], []
    for seed in range(60):
        rng = np.random.default_rng(100 + seed)
        one = rng.normal(size=(80, 5)) * [3, 2, 1, 1, 1]
        other = one[:, ::-1] + one + rng.normal(size=(80, 5))
        values.append(measure(one, other))
        low, high = interval(measure(one, other), one, other, np.arange(80))
        halves.append((high - low) / 2 / 1.99)
    assert np.mean(halves) == pytest.approx(np.std(values, ddof=1), rel=0.35)


@pytest.mark.parametrize(("measure", "interval"), BOTH)
def test_pairs_that_are_copies_of_each_other_make_it_no_surer(measure, interval):
    one, other = (np.repeat(side, 4, axis=0) for side in two_spaces(40))
    low, high = interval(measure(one, other), one, other, np.repeat(np.arange(40), 4))
    as_if_apart = interval(measure(one, other), one, other, np.arange(160))
    assert high - low > 1.5 * (as_if_apart[1] - as_if_apart[0])


@pytest.mark.parametrize(("measure", "interval"), BOTH)
@pytest.mark.parametrize(("pairs", "queries"), [(12, 1), (2, 2), (1, 1)])
def test_too_little_has_no_interval(measure, interval, pairs, queries):
    one, other = two_spaces(pairs)
    low, high = interval(measure(one, other), one, other, np.arange(pairs) % queries)
    if measure is linear_cka and pairs == queries == 2:
        assert low <= high
    else:
        assert np.isnan([low, high]).all()


@pytest.mark.parametrize(("measure", "interval"), BOTH)
def test_a_constant_space_has_no_interval(measure, interval):
    one, _ = two_spaces(20)
    flat = np.ones((20, 3))
    assert np.isnan(interval(measure(one, flat), one, flat, np.arange(20))).all()


def test_effects_of_rsa_sum_to_nothing_and_follow_their_pair():
    one, other = two_spaces(50)
    effects = rsa_effects(one, other)
    assert effects.sum() == pytest.approx(0, abs=1e-9)
    order = np.random.default_rng(1).permutation(50)
    np.testing.assert_allclose(rsa_effects(one[order], other[order]), effects[order], atol=1e-9)
