import pytest

from kdcore.catalog import METHODS, STUDENTS

from .conftest import Kdlab


@pytest.mark.parametrize(("command", "catalog"), [("methods", METHODS), ("students", STUDENTS)])
def test_every_entry_is_listed_with_every_knob(
    command: str, catalog: dict[str, object], kdlab: Kdlab
) -> None:
    text, said = kdlab(command).out, kdlab(command, "--json").json[command]
    assert said.keys() == catalog.keys()
    for entry in said.values():
        assert all(knob["help"] and knob["help"] in text for knob in entry["knobs"])
        assert all(knob["name"] in text for knob in entry["knobs"])


def test_a_method_says_what_it_reads_with_which_knob(kdlab: Kdlab) -> None:
    lines = kdlab("methods", "feature").out.splitlines()
    assert "Reads features; the teacher is cached." in lines
    assert "With on=tokens: hidden_states; the teacher is live." in lines
    assert "With on=cls: cls_states; the teacher is live." in lines


def test_ranges_and_defaults_are_those_of_the_catalog(kdlab: Kdlab) -> None:
    knobs = {k["name"]: k for k in kdlab("methods", "response", "--json").json["methods"]
             ["response"]["knobs"]}  # fmt: skip
    assert (knobs["temperature"]["low"], knobs["temperature"]["high"]) == (0.25, 100)
    assert knobs["loss"]["default"] == "kl"


def test_an_unknown_entry_is_answered_with_the_nearest(kdlab: Kdlab) -> None:
    said = kdlab("students", "twinbert_coss")
    assert said.code == 2
    assert "did you mean 'twinbert_cos'?" in said.err
