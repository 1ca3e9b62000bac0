import pytest

from kdcore.runs.purpose import FILE, Purpose
from kdcore.runs.store import RunStore

WHY = Purpose(group="g1", role="student", twin="t1", changed={"seed": 3}, estimate={"seconds": 9.5})


def test_what_was_said_of_a_run_is_read_back(tmp_path):
    run = RunStore(tmp_path).create({"stage": "distill"}, purpose=WHY)
    assert RunStore(tmp_path).get(run.id).purpose == WHY


def test_a_run_of_which_nothing_was_said_has_an_empty_story(tmp_path):
    assert RunStore(tmp_path).create({"stage": "distill"}).purpose == Purpose()


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"group": 7, "changed": "x", "more": 1}', '{"more": null}']
)
def test_a_damaged_story_is_empty_and_harms_nothing(tmp_path, text):
    run = RunStore(tmp_path).create({"stage": "distill"}, purpose=WHY)
    (run.folder / FILE).write_text(text)
    assert run.purpose == Purpose()
