"""Knobs: one line declares check, range and help; every problem is said at once."""

from dataclasses import dataclass, field

import pytest

from kdcore.config import TrainingConfig
from kdcore.errors import ConfigError
from kdcore.knobs import build, choice, knob, numbers, plain, problems_of, switch, text, written


@dataclass(frozen=True, kw_only=True)
class Oven:
    """A few knobs of each sort."""

    heat: float = knob(180.0, "degrees", low=30, high=300)
    minutes: int = knob(20, "time", low=1, high=600)
    mode: str = choice("fan", "how it heats", options=("fan", "grill"))
    light: bool = switch(True, "lamp")
    dish: str = text("", "what is in it")
    racks: tuple[str, ...] = ()
    levels: tuple[int, ...] = numbers("where the racks stand")


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """Knobs within knobs."""

    oven: Oven = field(default_factory=Oven)
    cooks: int = knob(1, "people", low=1, high=9)


@dataclass(frozen=True)
class Named:
    """A setting without a default."""

    name: str


def problems(data: dict[str, object], kind: type = Oven) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        build(kind, data)
    return caught.value.problems


def test_numbers_are_written_as_people_write_them():
    numerals = [written(value) for value in (0, 0.25, 1e-5, 1000, 65_536, 1e9)]
    assert numerals == ["0", "0.25", "0.00001", "1000", "65,536", "1,000,000,000"]


def test_defaults_have_no_problem():
    assert problems_of(Oven()) == []


def test_a_number_outside_its_range_is_told_range_and_safe_start():
    assert problems_of(Oven(heat=0)) == ["heat: 0 is outside 30..300; 180.0 is a safe start"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, None, "hot"])
def test_what_is_no_number_in_range_is_a_problem(value):
    assert len(problems_of(Oven(heat=value))) == 1


@pytest.mark.parametrize("value", [30, 300])
def test_both_ends_of_a_range_belong_to_it(value):
    assert problems_of(Oven(heat=value)) == []


def test_an_unknown_option_is_told_the_options():
    assert problems_of(Oven(mode="micro")) == ["mode: 'micro' is not one of fan, grill; try 'fan'"]


def test_a_misspelled_setting_is_answered_with_the_nearest():
    assert problems({"minuts": 5}) == ("minuts: no such setting; did you mean 'minutes'?",)


def test_a_setting_like_no_other_is_answered_with_all():
    assert "choose from heat, minutes, mode" in problems({"zzz": 5})[0]


def test_every_problem_is_said_at_once_and_with_its_path():
    found = problems({"oven": {"heat": 999, "mod": "fan", "light": 3}, "cooks": 12}, Kitchen)
    assert [p.split(":")[0] for p in found] == ["oven.mod", "oven.light", "oven.heat", "cooks"]


def test_words_and_whole_numbers_become_the_knobs_type():
    made = build(Oven, {"heat": "2e2", "minutes": "30", "light": "off"})
    assert made == Oven(heat=200.0, minutes=30, light=False)


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("minutes", 2.5, "a whole number"),
        ("minutes", float("inf"), "a whole number"),
        ("minutes", True, "a whole number"),
        ("minutes", None, "a whole number"),
        ("heat", "warm", "a number"),
        ("heat", True, "a number"),
        ("light", "perhaps", "true or false"),
        ("dish", 3, "text"),
        ("racks", "top", "a list"),
    ],
)
def test_a_value_of_the_wrong_sort_is_told_the_right_one(key, value, wanted):
    assert problems({key: value}) == (f"{key}: {value!r} is not {wanted}",)


def test_a_group_must_be_a_group():
    assert problems({"oven": 3}, Kitchen) == ("oven: 3 is not a group of settings",)


def test_a_missing_setting_without_default_is_named():
    assert problems({}, Named) == ("name: is missing",)


def test_plain_data_is_built_back_into_the_same():
    kitchen = Kitchen(oven=Oven(heat=99.5, racks=("top", "low"), dish="pie"), cooks=2)
    data = plain(kitchen)
    assert data["oven"]["racks"] == ["top", "low"]
    assert build(Kitchen, data) == kitchen


def test_a_list_becomes_a_tuple():
    assert build(Oven, {"racks": ["top"]}).racks == ("top",)


def test_a_fraction_is_refused_where_a_whole_number_is_declared_and_nowhere_else():
    """The default of a float may be written as a whole number: 60 seconds, say."""
    assert TrainingConfig(checkpoint_seconds=0.2).checkpoint_seconds == 0.2
    with pytest.raises(ConfigError, match=r"1\.5 is not a whole number"):
        TrainingConfig(epochs=1.5)


@pytest.mark.parametrize("given", [[0, 2], (0, 2), "0 2", "0,2", "[0, 2]", ["0", 2.0]])
def test_a_list_of_numbers_may_be_a_text_such_as_a_form_or_a_link_holds(given):
    oven = build(Oven, {"levels": given})
    assert oven.levels == (0, 2)
    assert plain(oven)["levels"] == [0, 2]
    assert (build(Oven, {"levels": 4}).levels, build(Oven, {"levels": ""}).levels) == ((4,), ())


@pytest.mark.parametrize("given", ["top", [1.5], True, None, {"a": 1}])
def test_a_list_of_anything_else_is_refused_in_words(given):
    assert problems({"levels": given}) == (
        f"levels: {given!r} is not a list of numbers with blanks, such as 0 2",
    )
