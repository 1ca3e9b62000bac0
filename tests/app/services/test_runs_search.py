"""The search box: key=value is a whole key and a whole value, anything else is a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.runs.search import Searched, setting_keys, terms

RUN = {"method.params.temperature": 4.0, "limit": 4000, "student.name": "cdssm", "seed": 1}
OTHER = RUN | {"method.params.temperature": 2.0, "method.params.teacher_temperature": 4.0}
KEYS = setting_keys([RUN, OTHER])


def holds(search, settings=RUN, text="C-DSSM, T 4", **about) -> bool:
    searched = Searched(text, settings, about)
    return all(term.holds(searched, KEYS) for term in terms(search))


@pytest.mark.parametrize("search", ["T=4", "t=4.0", "temperature=4", "method.params.temperature=4"])
def test_a_temperature_is_found_by_itself_and_not_within_another_key_or_value(search):
    assert holds(search)
    assert not holds(search, OTHER)
    assert not holds("T=400")
    assert not holds("limit=400")
    assert not holds("imit=4000")


@pytest.mark.parametrize("search", ["limit=4000", "limit=4,000", "pairs=4e3", "student=CDSSM"])
def test_numbers_are_equal_as_numbers_and_words_without_case(search):
    assert holds(search)


def test_all_terms_must_hold_and_free_words_are_looked_for_anywhere():
    assert holds("c-dssm seed=1 state=fin", state="finished")
    assert not holds("c-dssm seed=2")
    assert not holds("absent")


def test_a_key_that_no_run_has_is_a_plain_word():
    assert holds("note=x", note="x y")
    assert not holds("nobody=1")
    assert holds("a=b", text="what a=b says")


@given(st.floats(0.25, 20), st.floats(0.25, 20))
def test_a_value_is_found_exactly_where_it_is_equal(asked, held):
    settings = {"method.params.temperature": held}
    assert holds(f"T={asked}", settings) == (asked == held)
