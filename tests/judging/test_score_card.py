"""The score card of a teacher: its numbers by hand, and a warning for every trouble."""

import numpy as np
import pytest

from kdcore.judging.score_card import score_card

QUERIES = np.array([4, 4, 4, 9, 9, 5])  # two lists and a lonely ad
SCORES = np.array([3.0, 0.0, -3.0, 1.0, -1.0, 500.0])


def test_numbers_by_hand():
    """Spreads 6 and 2, deviations √6 and 1; the lonely ad is in no list."""
    card = score_card(SCORES, QUERIES, np.array([2, 1, 0, 0, 1, 1]))
    assert (card.lists, card.spread, card.lost) == (2, 4, 0)
    assert card.deviation == pytest.approx((np.sqrt(6) + 1) / 2)
    assert card.suggested_temperature == pytest.approx(card.deviation)
    assert card.correlation == pytest.approx(0)  # +1 and -1


def test_a_good_teacher_gets_no_warning():
    assert score_card(SCORES, QUERIES, np.array([2, 1, 0, 1, 0, 1])).warnings == ()
    assert score_card(SCORES, QUERIES).warnings == ()  # without labels nothing is said of them


def test_what_single_precision_drops_is_counted_at_the_temperature():
    """A softmax in float32 is exactly 0 once a gap over T exceeds about 103."""
    scores = np.array([0.0, -90.0, -300.0, 0.0, -104.0, 0.0])
    assert score_card(scores, QUERIES).lost == pytest.approx(2 / 5)
    card = score_card(scores, QUERIES, temperature=2.0)
    assert card.lost == pytest.approx(1 / 5)
    assert "At T = 2, 20.0% of the ads get a soft label of exactly 0" in card.warnings[0]
    cured = score_card(scores, QUERIES, temperature=card.suggested_temperature)
    assert cured.lost == 0
    assert cured.warnings == ()


def test_the_suggestion_makes_the_median_list_a_standard_deviation_wide():
    rng = np.random.default_rng(0)
    scores, queries = 7 * rng.normal(size=3000), rng.integers(0, 300, 3000)
    card = score_card(scores, queries)
    again = score_card(scores / card.suggested_temperature, queries)
    assert again.deviation == pytest.approx(1)


def test_probabilities_in_place_of_log_odds_are_told():
    scores = np.array([0.51, 0.5, 0.49, 0.6, 0.5, 0.5])
    (warning,) = score_card(scores, QUERIES).warnings
    assert "spread by only 0.06 within a query: these look like probabilities" in warning
    (warning,) = score_card(scores - 4, QUERIES).warnings
    assert "it hardly tells the ads of a query apart" in warning
    assert score_card(scores, QUERIES).suggested_temperature == 0.25  # the least that is accepted


def test_logits_of_a_ready_model_that_spread_little_are_not_called_probabilities():
    scores, queries = np.array([0.50, 0.52, 0.51, 0.49]), np.array([0, 0, 1, 1])
    (warning,) = score_card(scores, queries, ready=True).warnings
    assert warning.endswith("it hardly distinguishes the ads of a query; was its head trained?")


def test_a_teacher_that_orders_against_the_grades_is_told():
    (warning,) = score_card(SCORES, QUERIES, np.array([0, 1, 2, 0, 1, -1])).warnings
    assert "goes against their grades (mean rank correlation -1.00)" in warning


def test_unlabelled_pairs_and_queries_of_one_grade_say_nothing_of_the_order():
    assert np.isnan(score_card(SCORES, QUERIES, np.full(6, -1)).correlation)
    assert score_card(SCORES, QUERIES, np.array([2, 1, 0, 1, 1, 1])).correlation == 1


@pytest.mark.parametrize("pairs", [0, 1])
def test_without_a_list_there_is_a_sentence_and_no_number(pairs):
    card = score_card(SCORES[:pairs], QUERIES[:pairs], np.zeros(pairs, int))
    assert card.lists == 0
    assert np.isnan([card.spread, card.lost, card.suggested_temperature]).all()
    assert "No query has two ads" in card.warnings[0]
