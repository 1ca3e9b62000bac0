"""Grades: names, worth, and which of them count as relevant."""

from dataclasses import replace

import numpy as np
import pytest

from kdcore.errors import ConfigError
from kdcore.labels import BINARY, ESCI, FIVE_GRADES, FOUR_GRADES, SCHEMES, LabelScheme


@pytest.mark.parametrize(
    ("grades", "relevant_from", "problems"),
    [(("only",), 1, 1), (("a", "a"), 1, 1), (("a", "b"), 0, 1), (("a", "b"), 2, 1), ((), 5, 2)],
)
def test_an_impossible_scheme_lists_every_problem(grades, relevant_from, problems):
    with pytest.raises(ConfigError) as caught:
        LabelScheme(grades, relevant_from)
    assert len(caught.value.problems) == problems


def test_gains_are_two_to_the_grade_less_one_or_the_grade():
    assert FOUR_GRADES.gains().tolist() == [0, 1, 3, 7]
    assert FIVE_GRADES.gains("linear").tolist() == [0, 1, 2, 3, 4]


ESCI_GAINS = (0.0, 0.01, 0.1, 1.0)  # Reddy et al. 2022, arXiv:2206.06588


def test_a_data_set_can_state_what_its_grades_are_worth():
    esci = replace(ESCI, own_gains=ESCI_GAINS)
    assert esci.gains("own").tolist() == [0, 0.01, 0.1, 1]
    assert (esci.gain_kinds, ESCI.gain_kinds) == (("exp2", "linear", "own"), ("exp2", "linear"))
    assert LabelScheme.from_dict(esci.to_dict()) == esci
    assert "own_gains" not in ESCI.to_dict(), "hashes of data sets without gains would change"
    with pytest.raises(ConfigError, match="no gains of their own"):
        ESCI.gains("own")


@pytest.mark.parametrize(
    ("gains", "what"),
    [
        ((0, 1), "2 numbers for 4 grades"),
        ((0, 0, 0, 0), "one of them above 0"),
        ((-1, 0, 1, 2), "at least 0"),
        ((0, 1, float("nan"), 2), "finite"),
        ((0, 2, 1, 3), "fall from a grade to a better one"),
    ],
)
def test_gains_that_no_ideal_order_follows_are_refused(gains, what):
    with pytest.raises(ConfigError, match=what):
        replace(ESCI, own_gains=gains)


def test_relevance_is_the_probability_of_the_relevant_grades():
    soft = np.array([[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0]])
    np.testing.assert_allclose(FOUR_GRADES.relevance(soft), [0.7, 0])
    np.testing.assert_allclose(BINARY.relevance(np.array([[0.25, 0.75]])), [0.75])


def test_the_ranking_score_is_the_mean_worth_of_the_grade():
    soft = np.array([[0.1, 0.2, 0.3, 0.4]])
    np.testing.assert_allclose(FOUR_GRADES.expected_gain(soft), [2.0])
    np.testing.assert_allclose(FOUR_GRADES.expected_gain(soft, "exp2"), [3.9])


def test_an_unlabelled_pair_does_not_count_as_relevant():
    assert FOUR_GRADES.relevant(np.array([-1, 0, 1, 2, 3])).tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_a_scheme_survives_json(scheme):
    assert LabelScheme.from_dict(scheme.to_dict()) == scheme
    assert len(scheme) == len(scheme.grades)
