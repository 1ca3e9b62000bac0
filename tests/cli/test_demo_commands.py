"""`kdlab demo`: what it refuses before an hour of work, and how damage is told."""

import json

import pytest


def test_check_says_that_a_folder_is_no_demo_and_how_one_is_made(kdlab, tmp_path):
    said = kdlab("demo", "check", tmp_path)
    assert said.code == 3
    assert "kdlab demo build" in said.err


def test_check_names_each_missing_file(kdlab, tmp_path):
    card = {"files": {"runs/teacher/config.json": "0" * 64, "masked/README.md": "0" * 64}}
    (tmp_path / "demo.json").write_text(json.dumps(card))
    said = kdlab("demo", "check", tmp_path)
    assert said.code == 3
    assert "runs/teacher/config.json is missing" in said.err
    assert "masked/README.md is missing" in said.err


@pytest.mark.parametrize("options", [("--jobs", "0"), ("--device", "abacus")])
def test_build_refuses_what_cannot_work_before_it_trains(kdlab, empty_home, tmp_path, options):
    said = kdlab("demo", "build", "--out", tmp_path / "demo", *options)
    assert said.code == 2
    assert not (tmp_path / "demo").exists()
    assert not (empty_home / "cache").exists()


def test_build_leaves_a_folder_with_other_files_alone(kdlab, empty_home, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    said = kdlab("demo", "build", "--out", tmp_path)
    assert said.code == 2
    assert "holds other files" in said.err
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    assert not empty_home.exists()


def test_help_tells_where_the_demo_goes_and_how_many_trainings_run_at_once(kdlab):
    said = kdlab("demo", "build", "--help")
    assert "assets/demo" in said.out
    assert "--jobs" in said.out
