"""What the judge says where runs were stopped early, deleted, or lie there damaged."""

import json
import shutil
from pathlib import Path

import pytest

from app import services
from app.kit import by_hash
from app.views.distill.queries import next_steps, verdict
from app.views.distill.verdict import judge
from kdcore.errors import LabError
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from tests.app.made_lab import Made, make_lab
from tests.app.views.distill.test_judge import case, drawn, texts


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """A made story of three seeds with their twins."""
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "demo"))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    make_lab(tmp_path / "demo", Made(queries=40, bare=True))
    folder = tmp_path / "demo" / "runs"
    for seed in (1, 2):
        for name in ("student-kd", "student-hard"):
            copy = folder / f"{name}-{seed}"
            shutil.copytree(folder / name, copy)
            config = json.loads((copy / "config.json").read_text()) | {"seed": seed}
            (copy / "config.json").write_text(json.dumps(config))
    by_hash.clear()
    services.sources.clear()
    yield folder
    by_hash.clear()


def stop_early(folder: Path) -> None:
    (folder / "metrics.jsonl").write_text('{"step": 9, "epoch": 0.5}\n')


@pytest.mark.parametrize(("name", "who"), [("student-kd-1", "it"), ("student-hard-1", "its twin")])
def test_a_seed_that_was_stopped_early_or_whose_twin_was_is_left_out_and_named(runs, name, who):
    stop_early(runs / name)
    assert verdict.seeds_of(case()).seeds == (0, 2)
    said = f"student-kd-1 ({who} was stopped after 0.5 of 1 epochs)"
    assert said in judge.finding("student-kd")
    assert said in texts(drawn())


def test_damaged_answers_of_another_seed_cost_that_seed_alone(runs):
    (runs / "student-kd-2" / "predictions" / "test.parquet").write_bytes(b"PAR1 damaged")
    at = drawn()
    assert "student-kd-2 (its saved predictions, or its twin's, cannot be read)" in texts(at)
    assert verdict.seeds_of(case()).seeds == (0, 1)
    assert len(at.button) >= 3


def test_damaged_answers_of_the_twin_leave_the_page_standing(runs):
    (runs / "student-hard" / "predictions" / "test.parquet").write_bytes(b"PAR1 damaged")
    assert "does not hold predictions" in texts(drawn())


def test_the_answers_of_a_deleted_teacher_still_serve(runs):
    kept = Predictions.load(runs / "teacher" / "predictions" / "test.parquet")
    kept.save(Run.load(runs / "student-kd").teacher_path())
    shutil.rmtree(runs / "teacher")
    services.sources.clear()
    assert case().board.teacher.key == "teacher"
    assert verdict.retention_of(case()) is not None


def test_one_speed_is_measured_at_a_time(runs):
    with next_steps.MEASURING, pytest.raises(LabError, match="is being measured"):
        next_steps.measure_speed(case())
