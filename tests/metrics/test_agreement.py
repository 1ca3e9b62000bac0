import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from kdcore.metrics.agreement import rank_correlation, same_top_grade, truth_error, truth_kl
from kdcore.softlabels import kl, soften


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), ties=st.booleans())
def test_rank_correlation_equals_scipy_query_by_query(seed, ties):
    rng = np.random.default_rng(seed)
    query_ids = rng.integers(3, 9, 60)
    a, b = (rng.integers(0, 5, 60) if ties else rng.normal(size=60) for _ in range(2))
    for query, rho in zip(np.unique(query_ids), rank_correlation(a, b, query_ids), strict=True):
        mine = query_ids == query
        if len(set(b[mine])) < 2:
            assert np.isnan(rho)
        elif len(set(a[mine])) < 2:
            assert rho == 0
        else:
            assert rho == pytest.approx(spearmanr(a[mine], b[mine]).statistic, abs=1e-9)


def test_rank_correlation_of_nothing_is_nothing():
    assert rank_correlation(np.array([]), np.array([]), np.array([], int)).shape == (0,)


def test_truth_distance_is_zero_for_the_truth_and_equals_the_soft_label_divergence():
    rng = np.random.default_rng(0)
    truth_logits, logits = rng.normal(size=(2, 30, 4))
    truth = soften(truth_logits)
    np.testing.assert_allclose(truth_kl(truth, truth_logits), 0, atol=1e-12)
    np.testing.assert_allclose(truth_kl(truth, logits), kl(truth_logits, logits), atol=1e-12)


def test_a_sure_truth_costs_the_log_probability_of_its_grade():
    assert truth_kl([[0.0, 1.0]], [[0.0, 0.0]])[0] == pytest.approx(np.log(2))


def test_truth_error_is_absolute():
    np.testing.assert_allclose(truth_error([0.2, 0.9], [0.5, 0.5]), [0.3, 0.4])


def test_top_grades_are_compared_row_by_row():
    a, b = np.array([[0, 1], [1, 0], [1, 1]]), np.array([[0, 2], [0, 1], [1, 0]])
    np.testing.assert_array_equal(same_top_grade(a, b), [True, False, True])
