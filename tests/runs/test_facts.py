"""RunFacts reads runs of every earlier version, and says what is wrong with a damaged one."""

import json
import math
import shutil
from pathlib import Path

import pytest

from kdcore.config import DistillConfig, FinetuneConfig
from kdcore.errors import ConfigError, RunError
from kdcore.runs.facts import RunFacts, SplitSize
from kdcore.runs.store import Run
from kdcore.runs.twins import find_twin, launched_twin, teacher_of

DEMO = Path(__file__).parents[2] / "assets" / "demo" / "runs"
OLD = Path(__file__).parents[1] / "fixtures" / "first_house" / "runs"  # written before the move


def test_a_run_written_before_the_move_reads_whole():
    run = RunFacts.load(OLD / "student")
    assert isinstance(run.config, DistillConfig)
    assert (run.role, run.teacher, run.data, run.limit, run.seed) == (
        *("student", "teacher", "mine"),
        *(640, 0),
    )
    assert (run.model_name, run.method, run.temperature, run.weights) == (
        *("cdssm", "response", 2.0),
        {"soft": 1.0, "hard": 0.1},
    )
    assert (run.purpose.twin, run.purpose.changed) == ("twin", {"hard_weight": 0.5})
    assert run.splits["validation"] == SplitSize(60, "b" * 16)
    assert run.provenance["machine"] == "0123456789ab"
    assert run.notes == ("2 queries were cut at 16 tokens.",)
    assert run.data_card == {"source": "Invented for a test."}
    assert (run.saved_line["validation_roc_auc"], run.seconds) == (0.66, 3.5)
    assert math.isnan(run.metric_lines[2]["loss"])
    assert run.shown_title == "C-DSSM · distilled, T 2"
    assert not run.problem


def test_a_twin_written_before_the_move_is_found_and_reads_whole():
    student, twin = (Run.load(OLD / name) for name in ("student", "twin"))
    assert isinstance(twin.config, FinetuneConfig)
    assert (twin.role, twin.shown_title, twin.weights) == (
        *("twin", "C-DSSM, labels only, seed 0"),
        {"hard": 1.0},
    )
    assert launched_twin(student) == find_twin(student, [student, twin]) == twin
    assert student.twin_group == twin.twin_group
    assert teacher_of(student) is None


@pytest.mark.parametrize("folder", sorted(DEMO.iterdir()), ids=lambda folder: folder.name)
def test_every_run_of_the_demo_reads_well(folder):
    run = Run.load(folder)
    assert run.config.stage == run.stage
    assert run.problem == ""
    if run.is_scoring:
        return
    assert run.splits["test"].pairs == 10_000
    assert run.answered_hash("test") == run.splits["test"].content_hash
    assert run.is_distilled == folder.name.endswith(("-kd", "-aware"))
    if folder.name.endswith("-kd"):
        teacher, twin = teacher_of(run), find_twin(run, map(Run.load, sorted(DEMO.iterdir())))
        assert (teacher.id, twin.id) == ("teacher", folder.name.replace("-kd", "-hard"))


def test_of_two_twins_the_one_that_was_launched_counts(tmp_path):
    shutil.copytree(OLD, tmp_path / "runs")
    shutil.copytree(OLD / "twin", tmp_path / "runs" / "another")
    runs = [Run.load(folder) for folder in sorted((tmp_path / "runs").iterdir())]
    assert [run.id for run in runs] == ["another", "student", "twin"]
    assert find_twin(runs[1], runs).id == "twin"
    assert find_twin(runs[1], runs[:2]).id == "another"
    assert find_twin(runs[2], runs) is None


@pytest.mark.parametrize("text", ['{"stage": "dis', "[1, 2]", "\x00", ""])
def test_a_damaged_config_leaves_its_reason_and_nothing_raises(tmp_path, text):
    shutil.copytree(OLD / "student", tmp_path / "run")
    (tmp_path / "run" / "config.json").write_text(text)
    run = RunFacts.load(tmp_path / "run")
    assert "config.json" in run.problem
    assert (run.stage, run.teacher, run.model_name, run.weights) == ("", "", "", {"hard": 1.0})
    with pytest.raises(RunError, match=r"config\.json"):
        _ = run.config


def test_a_config_of_another_version_can_be_shown_and_says_why_it_cannot_be_used(tmp_path):
    shutil.copytree(OLD / "student", tmp_path / "run")
    settings = json.loads((OLD / "student" / "config.json").read_text())
    changed = settings | {"method": {"name": "telepathy", "params": None}, "seed": "x"}
    (tmp_path / "run" / "config.json").write_text(json.dumps(changed))
    run = RunFacts.load(tmp_path / "run")
    assert (run.method, run.temperature, run.seed) == ("telepathy", None, 0)
    assert run.settings == changed
    assert run.shown_title == "C-DSSM · distilled, telepathy"
    with pytest.raises(ConfigError, match="telepathy"):
        _ = run.config


@pytest.mark.parametrize(
    ("terms", "method", "weights", "temperature", "title"),
    [
        (
            {"feature": {"weight": 0.5}, "ranking_2": {}},
            "response + feature + ranking",
            {"soft": 1.0, "feature": 0.5, "ranking_2": 1.0, "hard": 0.1},
            2.0,
            "C-DSSM · distilled, T 2 + feature + ranking",
        ),
        (
            {"telepathy": 3},
            "response + telepathy",
            {"soft": 1.0, "telepathy": 1.0, "hard": 0.1},
            2.0,
            "C-DSSM · distilled, T 2 + telepathy",
        ),
        ([], "response", {"soft": 1.0, "hard": 0.1}, 2.0, "C-DSSM · distilled, T 2"),
    ],
)
def test_every_term_of_a_loss_is_told(tmp_path, terms, method, weights, temperature, title):
    shutil.copytree(OLD / "student", tmp_path / "run")
    settings = json.loads((OLD / "student" / "config.json").read_text())
    (tmp_path / "run" / "config.json").write_text(json.dumps(settings | {"terms": terms}))
    run = RunFacts.load(tmp_path / "run")
    assert (run.method, run.weights, run.temperature) == (method, weights, temperature)
    assert run.shown_title == title


def test_a_temperature_is_that_of_soft_labels_whichever_term_has_them(tmp_path):
    shutil.copytree(OLD / "student", tmp_path / "run")
    settings = json.loads((OLD / "student" / "config.json").read_text())
    first = {"method": {"name": "ranking", "params": {"loss": "list_kl", "temperature": 7.0}}}
    (tmp_path / "run" / "config.json").write_text(json.dumps(settings | first))
    assert RunFacts.load(tmp_path / "run").temperature is None
    terms = {"terms": {"response": {"params": {"temperature": 3.0, "teacher_temperature": 4.0}}}}
    (tmp_path / "run" / "config.json").write_text(json.dumps(settings | first | terms))
    run = RunFacts.load(tmp_path / "run")
    assert (run.temperature, run.teacher_temperature) == (3.0, 4.0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("provenance.json", '{"pairs": {"validation": [60], "train": "x", "test": [1, "c"]}}'),
        ("provenance.json", "[]"),
        ("provenance.json", "{"),
        ("about.json", "[]"),
        ("notes.json", '{"notes": 3}'),
        ("metrics.jsonl", 'null\n{"step": "x"}\n{"step": 1'),
        ("README.md", "\x00"),
    ],
)
def test_damage_in_another_file_leaves_that_part_empty(tmp_path, name, text):
    shutil.copytree(OLD / "student", tmp_path / "run")
    (tmp_path / "run" / name).write_text(text)
    run = RunFacts.load(tmp_path / "run")
    parts = {
        "provenance.json": "validation" not in run.splits,
        "about.json": run.purpose.twin == "",
        "notes.json": run.notes == (),
        "metrics.jsonl": run.metric_lines == [] and run.saved_line == {} and run.seconds is None,
        "README.md": run.data_card == {},
    }
    assert parts[name]
    assert not run.problem


def test_metric_lines_are_read_once(tmp_path):
    shutil.copytree(OLD / "student", tmp_path / "run")
    run = Run.load(tmp_path / "run")
    first = run.metric_lines
    (tmp_path / "run" / "metrics.jsonl").write_text("")
    assert run.metric_lines is first
    assert run.metrics() == []


@pytest.mark.parametrize(("limit", "pairs", "learned"), [(2000, 260, 260), (2000, 1990, 2000)])
def test_a_run_learned_from_its_limit_or_from_the_fewer_pairs_there_were(
    tmp_path, limit: int, pairs: int, learned: int
):
    assert Run(tmp_path, {"limit": limit}).learned_from == limit  # none were recorded
    splits = {"pairs": {"train": [pairs, "hash"]}}
    (tmp_path / "provenance.json").write_text(json.dumps(splits))
    assert Run(tmp_path, {"limit": limit}).learned_from == learned
