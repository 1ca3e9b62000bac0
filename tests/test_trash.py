import time

import pytest

from kdcore import trash
from kdcore.errors import DataError, UnknownNameError


def made(root, name="a", text="x"):
    (root / name).mkdir(parents=True)
    (root / name / "file").write_text(text)
    return root / name


def test_what_was_thrown_away_comes_back_whole(tmp_path):
    folder = made(tmp_path)
    trash.throw_away(folder)
    assert not folder.exists()
    assert [one.id for one in trash.in_trash(tmp_path)] == ["a"]
    assert trash.take_back(tmp_path, "a") == folder
    assert (folder / "file").read_text() == "x"
    assert trash.in_trash(tmp_path) == []


def test_the_last_of_two_with_one_name_comes_back(tmp_path):
    trash.throw_away(made(tmp_path, text="first"))
    time.sleep(0.002)  # the trash tells them apart by the millisecond
    trash.throw_away(made(tmp_path, text="second"))
    assert (trash.take_back(tmp_path, "a") / "file").read_text() == "second"


def test_nothing_that_is_there_is_written_over(tmp_path):
    trash.throw_away(made(tmp_path, text="old"))
    made(tmp_path, text="new")
    with pytest.raises(DataError, match="exists again"):
        trash.take_back(tmp_path, "a")
    assert (tmp_path / "a" / "file").read_text() == "new"


def test_an_unknown_name_is_told(tmp_path):
    with pytest.raises(UnknownNameError, match="nothing in the trash is called 'b'"):
        trash.take_back(tmp_path, "b")


def test_after_a_week_it_is_gone(tmp_path, monkeypatch):
    trash.throw_away(made(tmp_path))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + trash.LIFETIME + 1)
    assert trash.in_trash(tmp_path) == []
    assert list((tmp_path / trash.TRASH).iterdir()) == []
