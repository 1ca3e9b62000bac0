"""What a map shows goes to the browser and comes back as it was; nothing else is believed."""

import numpy as np
import pytest
import streamlit as st

from app.parts.map.choice import Choice, Shown, choice_of, count
from app.parts.map.payload import bits_of, color_by_class, points_of

IDS = np.array([40, 41, 50, 7])
POINTS = points_of(IDS, np.random.default_rng(1).normal(size=(4, 2)), moments=("a", "b", "c"))
COLOR = color_by_class("Label", [0, 1, 0, -1], ["bad", "good"])


@pytest.fixture
def send(monkeypatch):
    """send(message): the part says this; the choice that comes of it."""

    def put(message: object) -> Choice:
        monkeypatch.setattr(st, "session_state", {"map": {"choice": message}})
        return choice_of("map", POINTS, COLOR)

    return put


def test_every_field_round_trips(send):
    shown = Shown(
        pinned=50,
        selected=np.array([41, 7]),
        hidden=("bad", "none"),
        view=(0.25, -3.0, 4.0),
        moment=1.5,
        color_range=(0.0, 0.5),
    )
    sent = {"key": POINTS.key, "n": 3, **shown.sent(POINTS)}
    choice = send(sent)
    assert choice.sent(POINTS) == shown.sent(POINTS)
    assert choice.selected.tolist() == [41, 7]
    assert count("map") == 3


def test_what_is_shown_by_default_is_everything():
    sent = Shown().sent(POINTS)
    assert (sent["pinned"], sent["selected"], sent["view"], sent["moment"]) == (-1, "", [], -1)


def test_a_message_about_other_points_says_nothing_of_these_but_counts(send):
    choice = send({"key": "other", "n": 8, "pinned": 40, "selected": bits_of(POINTS, IDS)})
    assert (choice.n, choice.pinned, len(choice.selected)) == (0, None, 0)
    assert count("map") == 8  # the part takes no state that is older than its last message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pinned", 3),
        ("pinned", "40"),
        ("selected", ["40"]),
        ("hidden", ["ugly", 3, {}]),
        ("view", [0, 0]),
        ("view", [float("nan"), 0, 2]),
        ("view", ["a", 0, 2]),
        ("range", [1]),
        ("moment", None),
        ("n", "9"),
    ],
)
def test_a_field_that_makes_no_sense_is_as_if_unsaid(send, name, value):
    choice = send({"key": POINTS.key, "n": 1, name: value})
    assert choice.sent(POINTS) == Shown().sent(POINTS)


@pytest.mark.parametrize("moment", [2, 99])
def test_the_last_moment_and_one_beyond_it_are_the_last(send, moment):
    assert send({"key": POINTS.key, "n": 1, "moment": moment}).moment == 2
