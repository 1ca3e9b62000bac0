"""Agreement of two graders: by hand, and as scikit-learn computes it."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score

from kdcore.metrics.kappa import agreement_share, cohen_kappa, grade_table


@pytest.mark.parametrize("classes", [2, 4, 5])
def test_kappas_are_those_of_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    one = rng.integers(0, classes, 300)
    other = np.where(rng.random(300) < 0.6, one, rng.integers(0, classes, 300))
    table = grade_table(one, other, classes)
    assert agreement_share(table) == pytest.approx(accuracy_score(one, other))
    assert cohen_kappa(table) == pytest.approx(cohen_kappa_score(one, other))
    expected = cohen_kappa_score(one, other, weights="quadratic")
    assert cohen_kappa(table, weighted=True) == pytest.approx(expected)


def test_kappa_of_a_table_by_hand():
    """Accuracy 0.7; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5; kappa 0.2 / 0.5."""
    assert cohen_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)


def test_graders_who_know_one_grade_only_have_no_kappa():
    assert np.isnan(cohen_kappa(np.array([[9, 0], [0, 0]])))
    assert np.isnan(agreement_share(np.zeros((2, 2))))
