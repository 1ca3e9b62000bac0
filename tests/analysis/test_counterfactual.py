"""The likest ad with the other decision, and the words that two texts do not share."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdcore.analysis.counterfactual import nearest, word_diff
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY

TITLES = ["red shoes", "red boots", "red shoes sale", "blue car", "red shoes", "red shoes"]


@pytest.fixture
def pairs():
    queries = ["shoes"] * 5 + ["hats"]
    frame = make_frame(queries, TITLES, [""] * 6, [0] * 6, split="test")
    return PairTable(frame, BINARY, "toy")


def test_the_nearest_ad_with_the_other_decision_is_found_within_the_query(pairs):
    found = nearest(pairs, 0, np.array([True, False, False, False, True, False]))
    assert (found.row, found.distance) == (2, pytest.approx(1 / 3))


def test_of_equally_near_ads_one_is_taken_whatever_the_order_of_the_rows(pairs):
    frame = pairs.frame.assign(title=["a shoe", "b shoe", "c shoe", "d shoe", "e shoe", "hat"])
    decisions, titles = np.array([True, False, False, False, False, False]), set()
    for rows in (np.arange(6), np.array([5, 4, 3, 2, 1, 0]), np.array([2, 0, 4, 1, 5, 3])):
        moved = PairTable(frame, BINARY, "toy").take(rows)
        found = nearest(moved, int(np.argmin(rows)), decisions[rows])
        titles.add(moved.frame["title"][found.row])
    assert len(titles) == 1


def test_a_query_on_which_the_model_decides_one_way_has_no_counterfactual(pairs):
    assert nearest(pairs, 5, np.array([True, False, False, False, False, True])) is None


def test_a_text_without_words_is_far_from_everything_and_no_error(pairs):
    frame = pairs.frame.assign(title=["", "a", "b", "", "", ""])
    found = nearest(PairTable(frame, BINARY, "toy"), 0, np.array([True, False, False] + [True] * 3))
    assert (found.row, found.distance) == (1, 1.0)


def test_a_word_diff_marks_the_changed_words_alone():
    spans = [(s.kind, s.text) for s in word_diff("Red shoes - Free", "red Boots - Free")]
    assert spans == [("same", "red "), ("gone", "shoes "), ("new", "Boots "), ("same", "- Free")]


@pytest.mark.parametrize(
    ("first", "second"),
    [("", ""), ("", "a b"), ("a b", ""), ("<script>x</script>", "=1+1 <b>"), ("a\nb", "b  a")],
)
def test_spans_without_the_gone_ones_are_the_second_text_letter_by_letter(first, second):
    spans = word_diff(first, second)
    assert "".join(s.text for s in spans if s.kind != "gone") == second


@given(st.lists(st.sampled_from("abc"), max_size=5), st.lists(st.sampled_from("abc"), max_size=5))
def test_no_struck_word_touches_a_word_beside_it(first, second):
    spans = word_diff(" ".join(first), " ".join(second))
    assert "".join(s.text for s in spans if s.kind != "gone") == " ".join(second)
    for left, right in pairwise(spans):
        if "gone" in (left.kind, right.kind):
            assert left.text[-1].isspace() or right.text[0].isspace()
