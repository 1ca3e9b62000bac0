import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)

from kdcore.errors import DataError
from kdcore.metrics.classification import (
    ScoreOrder,
    brier,
    correct,
    mid_ranks,
    nll,
    roc_auc,
    stable_order,
)
from kdcore.softlabels import soften


def average_precision(relevant, scores):
    return ScoreOrder.of(relevant, scores).areas(np.ones((1, len(scores))))[1][0]


def sample(seed, pairs=80, ties=True):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 12, pairs) / 3 if ties else rng.normal(size=pairs)
    relevant = rng.random(pairs) < 0.4
    relevant[:2] = [True, False]
    return relevant, scores


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), ties=st.booleans())
def test_areas_equal_scikit_learn(seed, ties):
    relevant, scores = sample(seed, ties=ties)
    assert roc_auc(relevant, scores) == pytest.approx(roc_auc_score(relevant, scores), abs=1e-9)
    expected = average_precision_score(relevant, scores)
    assert average_precision(relevant, scores) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), ties=st.booleans())
def test_weighted_areas_equal_scikit_learn_with_sample_weights(seed, ties):
    relevant, scores = sample(seed, ties=ties)
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 9, len(scores))
    weights = rng.integers(1, 4, (5, 9)).astype(float)
    weights[1:, 3] = 0
    roc, precision = ScoreOrder.of(relevant, scores).areas(weights, groups)
    for row in range(5):
        weight = weights[row, groups]
        auc = roc_auc_score(relevant, scores, sample_weight=weight)
        assert roc[row] == pytest.approx(auc, abs=1e-9)
        expected = average_precision_score(relevant, scores, sample_weight=weight)
        assert precision[row] == pytest.approx(expected, abs=1e-9)


def test_a_weight_of_two_is_the_pair_twice():
    relevant, scores = sample(3)
    weight = np.ones((1, 80))
    weight[0, ::3] = 2
    twice = np.repeat(np.arange(80), weight[0].astype(int))
    roc, precision = ScoreOrder.of(relevant, scores).areas(weight)
    assert roc[0] == pytest.approx(roc_auc(relevant[twice], scores[twice]))
    assert precision[0] == pytest.approx(average_precision(relevant[twice], scores[twice]))


@pytest.mark.parametrize("ties", [True, False])
def test_neither_blocks_nor_single_precision_change_the_areas(monkeypatch, ties):
    """Whole weights are summed in single precision, which holds them exactly."""
    relevant, scores = sample(4, pairs=300, ties=ties)
    weights = np.random.default_rng(0).integers(0, 3, (20, 300)).astype(float)
    order = ScoreOrder.of(relevant, scores)
    whole, halves = order.areas(weights), order.areas(weights / 2)
    np.testing.assert_allclose(halves, whole, rtol=1e-13)
    monkeypatch.setattr("kdcore.metrics.weighted_areas.STEPS", 32)
    monkeypatch.setattr("kdcore.metrics.weighted_areas.CELLS", 224)
    again = ScoreOrder.of(relevant, scores).areas(weights)
    np.testing.assert_allclose(again, whole, rtol=1e-13)
    np.testing.assert_array_equal(again[0], whole[0])


def test_areas_of_weights_that_single_precision_would_round_are_exact():
    relevant, scores = sample(6, ties=False)
    weights = np.random.default_rng(1).integers(0, 10**7, (3, 80)).astype(float)
    roc, precision = ScoreOrder.of(relevant, scores).areas(weights)
    for row, weight in enumerate(weights):
        each = {"sample_weight": weight}
        assert roc[row] == pytest.approx(roc_auc_score(relevant, scores, **each), abs=1e-12)
        expected = average_precision_score(relevant, scores, **each)
        assert precision[row] == pytest.approx(expected, abs=1e-12)


def test_no_relevant_pair_among_those_drawn_leaves_no_area():
    relevant, scores = np.array([True, False, False]), np.array([1.0, 2.0, 3.0])
    roc, precision = ScoreOrder.of(relevant, scores).areas(np.array([[0.0, 1, 1], [1, 0, 0]]))
    assert np.isnan(roc).all()
    np.testing.assert_array_equal(precision, [np.nan, 1.0])


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_auc_of_reversed_scores_is_its_complement(seed):
    relevant, scores = sample(seed)
    assert roc_auc(relevant, -scores) == pytest.approx(1 - roc_auc(relevant, scores))


def test_all_scores_equal_is_one_half_and_the_share_of_relevant_pairs():
    relevant = np.array([True, False, False, False])
    assert roc_auc(relevant, np.zeros(4)) == 0.5
    assert average_precision(relevant, np.zeros(4)) == 0.25


@pytest.mark.parametrize("relevant", [[], [True, True], [False, False]])
def test_auc_of_one_class_is_nan_without_a_warning(relevant):
    assert np.isnan(roc_auc(np.array(relevant, dtype=bool), np.arange(len(relevant))))


@pytest.mark.parametrize("classes", [2, 4, 5])
def test_likelihood_and_brier_equal_scikit_learn(classes):
    rng = np.random.default_rng(0)
    logits, grades = rng.normal(size=(60, classes)) * 2, rng.integers(0, classes, 60)
    expected = log_loss(grades, soften(logits), labels=range(classes))
    assert nll(grades, logits).mean() == pytest.approx(expected, abs=1e-9)
    relevance, relevant = soften(logits)[:, -1], grades == classes - 1
    expected = brier_score_loss(relevant, relevance)
    assert brier(relevant, relevance).mean() == pytest.approx(expected, abs=1e-9)


def test_an_unlabelled_pair_has_no_likelihood():
    with pytest.raises(DataError, match="1 pairs have no grade"):
        nll(np.array([0, -1]), np.zeros((2, 2)))


def test_one_half_counts_as_relevant():
    np.testing.assert_array_equal(correct(np.array([True, False]), [0.5, 0.5]), [True, False])


def test_mid_ranks_equal_scipy():
    _, scores = sample(5)
    np.testing.assert_array_equal(mid_ranks(scores), rankdata(scores))


def test_the_fast_order_is_numpys_stable_one():
    rng = np.random.default_rng(0)
    exact = [0.0, -0.0, np.inf, -np.inf, 5e-324, -5e-324, 1e300, -1e300]
    for values in ([], [1.0], exact * 3, rng.normal(size=3000), rng.normal(size=3000).round(1)):
        values = np.asarray(values, dtype=np.float64)
        np.testing.assert_array_equal(stable_order(values), np.argsort(values, kind="stable"))
