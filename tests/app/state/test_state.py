"""A visitor's choices: always valid, and the same in the URL as on the screen."""

import random
from dataclasses import fields
from urllib.parse import parse_qsl, urlencode

import pytest
from streamlit.testing.v1 import AppTest

from app import state as session
from app.state import FIELDS, State, query_of, state_of
from app.state.kinds import read, show
from kdcore.analysis.attributes import Condition, join


def any_state(seed: int) -> State:
    """A random state that the controls could set."""
    draw = random.Random(seed)
    values = {}
    for name, field in FIELDS.items():
        if draw.random() < 0.4:
            continue
        kind = type(field.default)
        given = {
            bool: lambda: draw.random() < 0.5,
            int: lambda: draw.randint(-5, 10**8),
            float: lambda: draw.uniform(-1, 30),
            tuple: lambda: [draw.uniform(0, 2) for _ in range(draw.choice((0, 2, 4)))],
            str: lambda: "".join(draw.choices("aZ9 ,&=?/#%é東+<\"'", k=draw.randint(0, 30))),
        }[kind]()
        values[name] = field.metadata["clean"](given)
    return State(**values)


def test_a_thousand_random_states_come_back_from_their_links():
    for seed in range(1000):
        state = any_state(seed)
        url = urlencode(query_of(state))
        back, ignored = state_of(dict(parse_qsl(url, keep_blank_values=True)))
        assert (back, ignored) == (state, [])
        assert urlencode(query_of(back)) == url


def test_a_link_holds_only_what_differs_from_the_default():
    assert query_of(State()) == {"v": "1"}
    assert query_of(State(k=7)) == {"v": "1", "k": "7"}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_whatever_a_link_says_the_field_is_valid_or_the_part_is_named(name):
    for raw in ("", "nan", "-inf", "1e999", "x", "١", "9" * 5000, "0,0", "a,b,c,d", "\x00", "-1"):
        state, ignored = state_of({"v": "1", name: raw})
        held = getattr(state, name)
        assert held == FIELDS[name].default if ignored else held == read(FIELDS[name], raw)


def test_every_default_is_a_value_that_its_own_kind_accepts():
    for field in fields(State):
        assert read(field, show(field, field.default)) == field.default


def test_a_link_of_another_version_or_with_unknown_parts_opens_and_says_so():
    state, ignored = state_of({"v": "99", "color": "red", "k": "3"})
    assert state.k == 3
    assert len(ignored) == 2
    assert "'99'" in ignored[0]
    assert "'color'" in ignored[1]


def test_going_to_other_data_lets_go_of_rows_models_and_filters_and_keeps_the_view(monkeypatch):
    monkeypatch.setattr(session.st, "session_state", {})
    monkeypatch.setattr(session, "write_url", lambda: None)
    session.change(pair=7, student="bert-kd", grades="3", T=9.0, k=3, lesson="soft-labels")
    session.stand_on("mine", dtab="score")
    now = session.now()
    assert (now.data, now.dtab, now.pair, now.student, now.grades) == ("mine", "score", -1, "", "")
    assert (now.T, now.k, now.lesson) == (9.0, 3, "soft-labels")


def after(held: State, **values) -> State:
    """The state of a session in which a control then set these fields."""

    def script(values):
        from app import state

        state.change(**values)

    at = AppTest.from_function(script, args=(values,))
    at.session_state["kd_state"] = held
    at.run()
    assert not at.exception
    return at.session_state["kd_state"]


TYPED = {"edited": True, "equery": "q", "etitle": "t", "edescription": "d"}


@pytest.mark.parametrize("move", [{"pair": 4}, {"data": "mine"}, {"split": "train"}])
def test_what_was_typed_over_a_pair_never_goes_to_another_one(move):
    assert after(State(pair=3, **TYPED), **move) == State(**{"pair": 3} | move)


@pytest.mark.parametrize("move", [{"pair": 3}, {"data": "world"}, {"k": 9}, {"student": "x"}])
def test_what_was_typed_stays_with_its_pair(move):
    assert after(State(pair=3, **TYPED), **move) == State(**{"pair": 3} | TYPED | move)


def test_a_pair_opened_together_with_its_edit_keeps_the_edit():
    assert after(State(pair=3), pair=4, **TYPED) == State(pair=4, **TYPED)
    assert state_of(query_of(State(pair=4, **TYPED))) == (State(pair=4, **TYPED), [])


def test_a_slice_of_two_long_words_of_any_alphabet_is_not_cut():
    slice_ = join([Condition("query", "\u00fc" * 30), Condition("title", "\u6771" * 40)])
    assert after(State(), slice=slice_).slice == slice_
    assert state_of({"v": "1", "slice": slice_})[0].slice == slice_
