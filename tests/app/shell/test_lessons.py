"""Lessons are data; a broken one fails here before a visitor meets it."""

import json
from pathlib import Path

import pytest

from app.shell.lessons import FOLDER, Check, lesson, lessons, read
from app.state import State, changed, of_keys
from kdcore.errors import DataError, UnknownNameError


def test_the_first_lesson_takes_90_seconds_and_asks_for_a_deed_at_every_step():
    first = lesson("soft-labels")
    assert first.seconds == 90
    assert all(step.check for step in first.steps)


@pytest.mark.parametrize("name", lessons())
def test_a_lesson_says_after_each_act_what_was_seen_and_ends_with_what_to_take_away(name):
    taught = lesson(name)
    assert all(step.seen and step.seen not in (step.text, step.task) for step in taught.steps)
    assert len(taught.takeaways) == 3
    assert taught.next in lessons()
    assert taught.next != name


def of(**values) -> State:
    """A state with some choices by key."""
    return changed(State(), **of_keys(values))


@pytest.mark.parametrize(
    ("check", "before", "after"),
    [
        (Check("T", "at_least", 4), of(T=3.9), of(T=4.0)),
        (Check("k", "at_most", 2), of(k=3), of(k=2)),
        (Check("tags", "contains", "gained"), of(tags="a"), of(tags="a,gained")),
        (Check("rtab", "is", "lists"), State(), of(rtab="lists")),
        (Check("moment", "changed", None), of(moment=-1), of(moment=0)),
    ],
)
def test_a_check_holds_after_the_deed_and_not_before(check, before, after):
    assert not check.holds(before, before)
    assert check.holds(after, before)


def broken(tmp_path: Path, **changes: object) -> Path:
    data = json.loads((FOLDER / "soft-labels.json").read_text())
    data["steps"][0] |= changes
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"page": "nowhere"}, "no page is called 'nowhere'"),
        ({"link": {"T": "99"}}, "T: 99 is outside"),
        ({"link": {"color": "red"}}, "'color' is no part of a link"),
        ({"check": {"field": "warmth", "kind": "is"}}, "no field 'warmth'"),
        ({"check": {"field": "T", "kind": "feels"}}, "'feels' is none of"),
        ({"check": {"field": "T", "kind": "at_least", "value": 0.5}}, "holds before"),
    ],
)
def test_a_broken_step_is_named_with_its_place(tmp_path, changes, told):
    with pytest.raises(DataError, match="cannot be used as a lesson") as caught:
        read(broken(tmp_path, **changes))
    assert any(told in p and p.startswith("step 1:") for p in caught.value.problems)


def test_an_unknown_lesson_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="soft-labels"):
        lesson("soft-label")


def test_a_step_opens_in_its_link_state_and_nothing_else():
    step = lesson("soft-labels").steps[0]
    assert step.state() == of(T=1.0, Ts=1.0)
