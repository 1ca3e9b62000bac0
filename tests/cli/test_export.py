"""`kdlab export`: a folder that stands alone, a report, and plain refusals."""

import json
from pathlib import Path

import pytest

from kdcore.export import check, onnx

from .conftest import Home, Kdlab


@pytest.fixture(autouse=True)
def nearby(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check in a process of its own is tests/keep's; here it would cost seconds each time."""
    from kdcore.export.layout import is_cross
    from kdcore.export.scripts import cross, towers

    def asked(folder: Path, rows: list[check.Row]) -> object:
        script = cross if is_cross(folder) else towers
        return script.Student(folder).logits(rows).numpy()

    monkeypatch.setattr(check, "asked_alone", asked)


def test_a_student_and_its_report_are_written_by_one_command(
    kdlab: Kdlab, home: Home, tmp_path: Path
) -> None:
    to, page = tmp_path / "out", tmp_path / "report.html"
    said = kdlab("export", home.student, "--to", to, "--report", page, "--json")
    assert said.code == 0, said.err
    told = said.json
    assert told["run"] == home.student
    assert told["difference"] <= 1e-4
    assert set(told["files"]) == {path.name for path in to.iterdir()}
    assert told["report"] == str(page)
    html = page.read_text()
    assert "<script" not in html
    assert "kdlab distill" in html
    assert home.student in html


def test_it_tells_what_was_checked(kdlab: Kdlab, home: Home, tmp_path: Path) -> None:
    said = kdlab("export", home.teacher, "--to", tmp_path / "out")
    assert said.code == 0, said.err
    assert "where the lab cannot be imported: no logit differs by more than" in said.out
    about = json.loads((tmp_path / "out" / "config.json").read_text())
    assert about["architectures"] == ["BertForSequenceClassification"]


def test_nothing_to_write_is_said_before_anything_is_done(kdlab: Kdlab, home: Home) -> None:
    said = kdlab("export", home.student)
    assert said.code == 2
    assert "give --to DIR, or --report FILE" in said.err


def test_a_missing_extra_is_told_with_the_line_to_type_and_nothing_is_written(
    kdlab: Kdlab, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx.importlib.util, "find_spec", lambda name: None)
    said = kdlab("export", home.student, "--to", tmp_path / "out", "--onnx")
    assert said.code == 2
    assert "pip install 'kdlab[export]'" in said.err
    assert not (tmp_path / "out").exists()


def test_a_report_takes_no_files_place_unless_asked(
    kdlab: Kdlab, home: Home, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text("mine")
    assert kdlab("export", home.student, "--report", page).code == 3
    assert page.read_text() == "mine"
    assert kdlab("export", home.student, "--report", page, "--force").code == 0
    assert page.read_text().startswith("<!doctype html>")
