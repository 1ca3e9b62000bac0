"""A visitor's choices: always valid, and the same in the URL as on the screen."""

import json
import random
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
from streamlit.testing.v1 import AppTest

from app import state as choices
from app.state import FIELDS, PATHS, State, changed, of_keys, query_of, session, state_of, value_of
from kdcore.analysis.attributes import Condition, join


def any_state(seed: int) -> State:
    """A random state that the controls could set."""
    draw = random.Random(seed)
    values = {}
    for path, kind in FIELDS.items():
        if draw.random() < 0.4:
            continue
        given = {
            bool: lambda: draw.random() < 0.5,
            int: lambda: draw.randint(-5, 10**8),
            float: lambda: draw.uniform(-1, 30),
            tuple: lambda: [draw.uniform(0, 2) for _ in range(draw.choice((0, 2, 4)))],
            str: lambda: "".join(draw.choices("aZ9 ,&=?/#%é東+<\"'", k=draw.randint(0, 30))),
        }[type(kind.default)]()
        values[path] = given
    return changed(State(), **choices.nested(values))


def test_a_thousand_random_states_come_back_from_their_links():
    for seed in range(1000):
        state = any_state(seed)
        url = urlencode(query_of(state))
        back, ignored = state_of(dict(parse_qsl(url, keep_blank_values=True)))
        assert (back, ignored) == (state, [])
        assert urlencode(query_of(back)) == url


OLD = json.loads((Path(__file__).parent / "old_links.json").read_text(encoding="utf-8"))


def test_every_choice_of_an_old_link_has_its_old_key_and_default():
    assert {key: as_json(State(), key) for key in OLD["defaults"]} == OLD["defaults"]


@pytest.mark.parametrize("old", OLD["links"], ids=lambda old: old["link"][4:40])
def test_a_link_from_before_the_states_were_split_opens_and_is_written_as_it_was(old):
    state, problems = state_of(dict(parse_qsl(old["link"], keep_blank_values=True)))
    assert problems == []
    now = {key: as_json(State(), key) for key in PATHS}  # choices that are newer, too
    assert {key: as_json(state, key) for key in PATHS} == now | old["means"]
    assert urlencode(query_of(state)) == old["link"]


def as_json(state: State, key: str):
    value = value_of(state, PATHS[key])
    return list(value) if isinstance(value, tuple) else value


def test_a_link_holds_only_what_differs_from_the_default():
    assert query_of(State()) == {"v": "1"}
    assert query_of(changed(State(), ranking={"k": 7})) == {"v": "1", "k": "7"}


@pytest.mark.parametrize("key", sorted(PATHS))
def test_whatever_a_link_says_the_field_is_valid_or_the_part_is_named(key):
    for raw in ("", "nan", "-inf", "1e999", "x", "١", "9" * 5000, "0,0", "a,b,c,d", "\x00", "-1"):
        state, ignored = state_of({"v": "1", key: raw})
        kind, value = FIELDS[PATHS[key]], value_of(state, PATHS[key])
        assert value == (kind.default if ignored else kind.parse(raw))


def test_every_default_is_a_value_that_its_own_kind_accepts():
    for kind in FIELDS.values():
        assert kind.parse(kind.show(kind.default)) == kind.default


def test_a_link_of_another_version_or_with_unknown_parts_opens_and_says_so():
    state, ignored = state_of({"v": "99", "color": "red", "k": "3"})
    assert state.ranking.k == 3
    assert len(ignored) == 2
    assert "'99'" in ignored[0]
    assert "'color'" in ignored[1]


def test_going_to_other_data_lets_go_of_rows_models_and_filters_and_keeps_the_view(monkeypatch):
    monkeypatch.setattr(session.st, "session_state", {})
    monkeypatch.setattr(session, "write_url", lambda: None)
    old = {"pair": 7, "student": "bert-kd", "grades": "3"}
    view = {"T": 9.0, "k": 3, "lesson": "soft-labels"}
    choices.change(**of_keys(old | view))
    choices.stand_on("mine", data={"tab": "score"})
    assert choices.now() == changed(State(), **of_keys({"data": "mine", "dtab": "score"} | view))


def of(**values) -> State:
    """A state with some choices by key."""
    return changed(State(), **of_keys(values))


def after(before: State, **values) -> State:
    """The state of a session in which a control then set these fields."""

    def script(values):
        from app import state

        state.change(**state.of_keys(values))

    at = AppTest.from_function(script, args=(values,))
    at.session_state["kd_state"] = before
    at.run()
    assert not at.exception
    return at.session_state["kd_state"]


TYPED = {"edited": True, "equery": "q", "etitle": "t", "edescription": "d"}


@pytest.mark.parametrize("move", [{"pair": 4}, {"data": "mine"}, {"split": "train"}])
def test_what_was_typed_over_a_pair_never_goes_to_another_one(move):
    assert after(of(pair=3, **TYPED), **move) == of(**{"pair": 3} | move)


@pytest.mark.parametrize("move", [{"pair": 3}, {"data": "world"}, {"k": 9}, {"student": "x"}])
def test_what_was_typed_stays_with_its_pair(move):
    assert after(of(pair=3, **TYPED), **move) == of(**{"pair": 3} | TYPED | move)


def test_a_pair_opened_together_with_its_edit_keeps_the_edit():
    assert after(of(pair=3), pair=4, **TYPED) == of(pair=4, **TYPED)
    assert state_of(query_of(of(pair=4, **TYPED))) == (of(pair=4, **TYPED), [])


def test_a_slice_of_two_long_words_of_any_alphabet_is_not_cut():
    slice_ = join([Condition("query", "\u00fc" * 30), Condition("title", "\u6771" * 40)])
    assert after(State(), slice=slice_).compare.slice == slice_
    assert state_of({"v": "1", "slice": slice_})[0].compare.slice == slice_


@pytest.mark.parametrize("pending", [True, False])
def test_a_widgets_late_value_adds_no_entry_while_a_back_is_unanswered(pending):
    """The run that the browser asks for may still call back widgets of the entry before."""

    def script(pending):
        import streamlit as st

        from app import state

        if pending:
            move = {"turn": 1, "page": "", "query": {"v": "1"}}
            st.session_state[state.keys.ADDRESS] = {"back": move}
        state.change(student="another")

    app = AppTest.from_function(script, args=(pending,)).run()
    assert not app.exception
    assert ("student" in app.query_params) != pending
