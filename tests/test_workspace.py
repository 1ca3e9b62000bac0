"""Nothing leaves its folder, and nothing is ever half written."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdcore.errors import ConfigError, DataError
from kdcore.workspace import (
    Workspace,
    check_name,
    new_folder,
    slug,
    write_bytes_atomic,
    write_json_atomic,
    write_text_atomic,
)


def test_the_workspace_is_where_kdlab_home_says(monkeypatch, tmp_path):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))
    space = Workspace.default()
    assert (space.data, space.runs, space.cache) == tuple(
        tmp_path / name for name in ("data", "runs", "cache")
    )


@pytest.mark.parametrize("value", [None, ""])
def test_without_kdlab_home_it_is_a_folder_of_the_person(monkeypatch, value):
    monkeypatch.delenv("KDLAB_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("KDLAB_HOME", value)
    assert Workspace.default().root == Path.home() / ".kdlab"


def test_a_relative_home_does_not_move_with_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KDLAB_HOME", "lab")
    assert Workspace.default().root == tmp_path / "lab"


OUT = ["", ".", "..", "../x", "a/b", "a\\b", "/etc", "~", ".hidden", "-x", "a\n", "a\0b", "x" * 101,
       "CON", "nul.txt", "é", "a:b", "a."]  # fmt: skip


@pytest.mark.parametrize("name", OUT)
def test_a_name_that_could_leave_its_folder_is_refused(name):
    space = Workspace(Path("lab"))
    for folder_of in (space.data_folder, space.run_folder, space.cache_folder):
        with pytest.raises(ConfigError):
            folder_of(name)


@given(st.text(max_size=120))
def test_every_accepted_name_is_a_child_and_every_slug_is_accepted(text):
    assert check_name(slug(text)) == slug(text)
    try:
        child = Workspace(Path("/lab")).data_folder(text)
    except ConfigError:
        return
    assert child.resolve().parent == Path("/lab/data").resolve()


def test_a_write_that_fails_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    write_json_atomic(path, {"state": "running"})

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        write_json_atomic(path, {"state": "finished"})
    assert json.loads(path.read_text()) == {"state": "running"}
    assert list(tmp_path.iterdir()) == [path]


def test_text_keeps_its_line_ends_and_bytes_stay_as_they_are(tmp_path):
    write_text_atomic(tmp_path / "a" / "x.txt", "é\r\nb\n")
    assert (tmp_path / "a" / "x.txt").read_bytes() == b"\xc3\xa9\r\nb\n"
    write_bytes_atomic(tmp_path / "x", b"\xff\0")
    assert (tmp_path / "x").read_bytes() == b"\xff\0"


def test_json_knows_numpy_and_paths_and_has_no_nan(tmp_path):
    """NaN in a file is no JSON: the browser refuses all of it."""
    data = {"auc": float("nan"), "at": np.array([1.5, np.inf]), 1: (np.int64(2), Path("a"), None)}
    write_json_atomic(tmp_path / "x.json", data)
    assert json.loads((tmp_path / "x.json").read_text()) == {
        "auc": None,
        "at": [1.5, None],
        "1": [2, "a", None],
    }


def test_a_lone_surrogate_is_written_as_json_spells_it(tmp_path):
    write_json_atomic(tmp_path / "x.json", "\udc80é")
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == "\udc80é"


def test_a_new_folder_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "data" / "kettles"
    with new_folder(target) as folder:
        (folder / "x").write_text("1")
        assert not target.exists()
    assert (target / "x").read_text() == "1"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_that_fails_leaves_nothing_and_keeps_the_old_one(tmp_path):
    target = tmp_path / "kettles"
    with new_folder(target) as folder:
        (folder / "x").write_text("old")
    with pytest.raises(ZeroDivisionError), new_folder(target, replace=True) as folder:
        (folder / "x").write_text(str(1 / 0))
    assert (target / "x").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_taken_folder_gives_way_only_when_asked(tmp_path):
    target = tmp_path / "kettles"
    for text in ("old", "new"):
        with new_folder(target, replace=text == "new") as folder:
            (folder / "x").write_text(text)
    with pytest.raises(DataError, match="exists already"), new_folder(target):
        pass
    assert (target / "x").read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]
