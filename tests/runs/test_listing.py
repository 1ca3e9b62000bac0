"""Rows of runs tell what lies in the folders now, whatever happens to them."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from kdcore.runs import listing
from kdcore.runs.listing import Number, Validation, row_of, rows
from kdcore.runs.purpose import Purpose
from kdcore.runs.record import Record, process_start
from kdcore.workspace import write_json_atomic
from tests.runs.made_runs import config_of, make_run, metrics_of


def test_a_row_tells_validation_test_size_and_settings(tmp_path):
    make_run(tmp_path / "a", purpose=Purpose(group="g", role="student"), parameters=12)
    row = rows(tmp_path)[0]
    assert row.best == Validation(10, 1.0, 0.75)
    assert row.last == Validation(20, 1.0, 0.7)
    assert row.seconds == 8.0
    assert row.test.metrics["roc_auc"] == Number(
        0.8, pytest.approx(0.7), pytest.approx(0.9), 100, "pairs"
    )
    assert row.test.data_hash == "a" * 16
    assert row.parameters == 12
    assert row.settings["method.params.temperature"] == 2.0
    assert row.run.purpose.group == "g"


def test_the_newest_run_is_first(tmp_path):
    make_run(tmp_path / "old", created=1.0)
    make_run(tmp_path / "new", created=2.0)
    assert [r.id for r in rows(tmp_path)] == ["new", "old"]


def test_an_unchanged_run_is_not_read_again(tmp_path, monkeypatch):
    make_run(tmp_path / "a")
    before = rows(tmp_path)
    monkeypatch.setattr(listing.Run, "load", lambda folder: pytest.fail(f"{folder} was read again"))
    assert rows(tmp_path)[0] is before[0]


@pytest.mark.parametrize("name", ["config.json", "evaluation/test.json", "metrics.jsonl"])
def test_a_changed_file_is_seen_at_the_next_look(tmp_path, name):
    folder = make_run(tmp_path / "a")
    rows(tmp_path)
    if name == "config.json":
        write_json_atomic(folder / name, config_of(temperature=8.0))
        assert rows(tmp_path)[0].settings["method.params.temperature"] == 8.0
    elif name == "metrics.jsonl":
        with (folder / name).open("a") as file:
            file.write('{"step": 30, "validation_nll": 1, "validation_roc_auc": 0.9}\n')
        assert rows(tmp_path)[0].last == Validation(30, 1.0, 0.9)
    else:
        said = json.loads((folder / name).read_text()) | {"metrics": metrics_of(0.9)}
        write_json_atomic(folder / name, said)
        assert rows(tmp_path)[0].test.metrics["roc_auc"].value == 0.9


@pytest.mark.parametrize("version", [None, 1])
def test_an_evaluation_by_older_metrics_tells_no_metric_so_that_it_is_measured_again(
    tmp_path, version
):
    path = make_run(tmp_path / "a") / "evaluation" / "test.json"
    said = json.loads(path.read_text())
    assert row_of(tmp_path / "a").test.metrics
    write_json_atomic(
        path,
        {k: v for k, v in said.items() if k != "version"}
        | ({} if version is None else {"version": version}),
    )
    assert not row_of(tmp_path / "a").test.metrics


def test_a_deleted_run_is_gone_and_a_new_one_of_its_name_is_read(tmp_path):
    make_run(tmp_path / "a", auc=0.8)
    rows(tmp_path)
    shutil.rmtree(tmp_path / "a")
    assert rows(tmp_path) == []
    make_run(tmp_path / "a", auc=0.6)
    assert rows(tmp_path)[0].test.metrics["roc_auc"].value == 0.6


def test_a_killed_run_is_lost_though_no_file_changed(tmp_path):
    folder = make_run(tmp_path / "a", auc=None)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        began = process_start(child.pid)
        Record(state="running", pid=child.pid, process_start=began, started=1.0).write(folder)
        assert rows(tmp_path)[0].state == "running"
        child.kill()
        child.wait()
    assert rows(tmp_path)[0].state == "lost"


@pytest.mark.parametrize("name", ["config.json", "status.json"])
def test_a_broken_folder_is_listed_with_its_problem(tmp_path, name):
    folder = make_run(tmp_path / "a")
    (folder / name).write_text("{ torn")
    row = rows(tmp_path)[0]
    assert row.state == "broken"
    assert name in row.status.message


def test_damaged_results_leave_a_row_without_them(tmp_path):
    folder = make_run(tmp_path / "a")
    (folder / "evaluation" / "test.json").write_text('{"model": "a", "metrics": {"roc')
    (folder / "model" / "model.safetensors").write_bytes(b"\xff" * 40)
    (folder / "provenance.json").write_text("[]")
    row = rows(tmp_path)[0]
    assert row.state == "finished"
    assert not row.test.metrics
    assert row.parameters is None


def test_an_evaluation_in_another_order_of_keys_is_read_too(tmp_path):
    path = make_run(tmp_path / "a") / "evaluation" / "test.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(said.items()))))
    assert rows(tmp_path)[0].test.metrics["roc_auc"].value == 0.8


def test_hidden_folders_and_files_are_no_runs(tmp_path):
    make_run(tmp_path / ".trash")
    (tmp_path / "note.txt").write_text("x")
    assert rows(tmp_path) == []
    assert rows(tmp_path / "none") == []


def test_a_student_and_its_twin_share_a_budget_and_another_seed_does_not(tmp_path):
    student = config_of()
    twin = {k: v for k, v in student.items() if k not in ("student", "method", "teacher")}
    twin |= {"stage": "finetune", "model": student["student"]}
    make_run(tmp_path / "student", student)
    make_run(tmp_path / "twin", twin)
    make_run(tmp_path / "watched", config_of(training={"epochs": 2, "log_every": 5}))
    make_run(tmp_path / "other", config_of(seed=1))
    budgets = {r.id: r.run.twin_group for r in rows(tmp_path)}
    assert budgets["student"] == budgets["twin"] == budgets["watched"] != budgets["other"]


def test_many_windows_at_once_see_the_same_runs(tmp_path):
    for i in range(20):
        make_run(tmp_path / f"r{i}")
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: {r.id for r in rows(tmp_path)}, range(16)))
    assert all(ids == set(os.listdir(tmp_path)) for ids in seen)
