"""Stars, tags and notes on runs: kept whole, whoever else writes."""

import errno
import json
import os

import pytest

from kdcore.errors import ConfigError, RunError
from kdcore.runs.marks import Mark, Marks, all_tags, starred, tags_of
from kdcore.workspace import Workspace


@pytest.fixture
def marks(tmp_path) -> Marks:
    return Marks(Workspace(tmp_path))


def test_a_mark_is_read_back_as_it_was_kept(marks):
    marks.keep("a", tags=("candidate",), note="looks good <b>")
    kept = marks.read()["a"]
    assert (kept.tags, kept.note) == (("candidate",), "looks good <b>")
    assert kept.changed


def test_there_is_one_baseline_and_its_notes_outlive_the_star(marks):
    marks.keep("a", star=True, note="first")
    marks.keep("b", star=True)
    held = marks.keep("c", star=True)
    assert starred(held) == "c"
    assert held["a"] == Mark(False, (), "first", held["a"].changed)
    assert "b" not in held


def test_an_empty_mark_is_forgotten(marks):
    marks.keep("a", note="x")
    assert marks.keep("a", note=" ") == {}


def test_one_field_changes_and_the_others_stay(marks):
    marks.keep("a", note="x", tags=("t",))
    assert marks.keep("a", star=True)["a"].tags == ("t",)


def _write(root, who: int) -> None:
    for i in range(15):
        Marks(Workspace(root)).keep(f"run-{who}-{i}", note=f"by {who}")


def test_two_visitors_at_once_lose_nothing(tmp_path, spawned):
    writers = [spawned.Process(target=_write, args=(tmp_path, who)) for who in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert len(Marks(Workspace(tmp_path)).read()) == 30


def test_a_damaged_file_is_never_written_over(marks):
    marks.path.write_text("{ torn")
    assert marks.read() == {}
    with pytest.raises(RunError, match="mend it"):
        marks.keep("a", note="x")
    assert marks.path.read_text() == "{ torn"


def test_what_is_not_understood_stays_in_the_file(marks):
    marks.path.write_text(json.dumps({"odd": 5, "a": {"note": "x"}}))
    assert set(marks.keep("b", note="y")) == {"a", "b"}
    assert json.loads(marks.path.read_text())["odd"] == 5


def test_too_long_a_note_or_tag_is_refused_with_the_bound(marks):
    with pytest.raises(ConfigError, match="2000 at most"):
        marks.keep("a", note="x" * 2001)
    with pytest.raises(ConfigError, match="40 at most"):
        marks.keep("a", tags=("x" * 41,))


def test_typed_tags_lose_doubles_and_spaces():
    assert tags_of(" a,  b  c ,a,, ") == ("a", "b c")
    assert all_tags([Mark(tags=("b", "a")), Mark(tags=("a",))]) == ["a", "b"]


@pytest.mark.parametrize(
    "odd", [5, {"note": "x" * 3000}, {"tags": "a b", "note": "kept"}, {"star": "yes"}]
)
def test_a_mark_that_is_not_understood_is_not_written_over_when_its_run_is_edited(marks, odd):
    marks.path.write_text(json.dumps({"a": odd}))
    with pytest.raises(RunError, match="cannot be understood"):
        marks.keep("a", star=True)
    marks.keep("b", star=True)
    assert json.loads(marks.path.read_text())["a"] == odd


def test_what_a_later_version_wrote_beside_a_mark_stays(marks):
    marks.path.write_text(json.dumps({"a": {"note": "x", "color": "red"}}))
    marks.keep("a", note="")
    marks.keep("a", star=True)
    marks.keep("b", star=True)
    assert json.loads(marks.path.read_text())["a"]["color"] == "red"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_no_mark_is_told_in_words(marks, monkeypatch, number):
    def full(path, data):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("kdcore.runs.marks.write_json_atomic", full)
    with pytest.raises(RunError, match=os.strerror(number)):
        marks.keep("a", note="x")
