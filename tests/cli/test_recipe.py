"""`kdlab recipe`: its table, the same after its driver was killed in the middle of a stage."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from kdcore.experiments import pipeline
from kdcore.runs.queue.queue import dispatcher
from kdcore.workspace import Workspace

from .conftest import STUDENT, TEACHER, Kdlab, small_table

MODELS = ("--set", f"models.teacher={TEACHER}", "--set", f"models.student={STUDENT}")


def test_a_recipe_plans_runs_and_shows_its_table(
    empty_home: Path, kdlab: Kdlab, tmp_path: Path
) -> None:
    (tmp_path / "small.tsv").write_text(small_table(), encoding="utf-8")
    assert kdlab("data", "import", tmp_path / "small.tsv").code == 0
    recipe = ("recipe", "relevance", "--small", "--data", "small", "--threads", 1, *MODELS)
    planned = kdlab(*recipe, "--dry-run")
    assert (planned.code, "These data have no log" in planned.out) == (0, True)
    done = kdlab(*recipe, "--quiet", "--csv", tmp_path / "table.csv")
    assert done.code == 0
    for word in ("student_labels", "steps", "compared with", "AUC gain kept"):
        assert word in done.out
    assert "70 %" not in done.out  # of C-DSSM, which this recipe does not train
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 4
    rows = kdlab("recipe", "list", "--json").json
    assert [(row["state"], row["stages"]) for row in rows] == [("finished", "4 of 4")]
    assert kdlab("recipe", "show", rows[0]["id"]).out == done.out


@pytest.mark.slow
def test_a_pipeline_whose_driver_is_killed_ends_with_the_same_table(
    kdlab: Kdlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.tsv").write_text(small_table(), encoding="utf-8")
    tables = {}
    for name in ("undisturbed", "killed"):
        monkeypatch.setenv("KDLAB_HOME", str(tmp_path / name))
        assert kdlab("data", "import", tmp_path / "small.tsv").code == 0
        recipe = ("recipe", "relevance", "--small", "--data", "small", "--threads", 1, *MODELS)
        epochs = ("--set", "teacher.training.epochs=40")
        if name == "undisturbed":
            done = kdlab(*recipe, *epochs, "--json", "--quiet")
        else:
            one = pipeline.find(kdlab(*recipe, *epochs, "--detach").out.strip())
            try:
                until(lambda one=one: _at_work(one, "teacher"))
                driver, worker = one.driver().pid, one.runs()["teacher"].status().pid
                for pid in (driver, worker, dispatcher(Workspace(tmp_path / name))):
                    if pid:
                        os.kill(pid, signal.SIGKILL)
                until(lambda one=one: pipeline.state(one).state == "lost")
                done = kdlab("recipe", "resume", one.id, "--json", "--quiet")
            finally:
                for pid in (one.driver().pid, dispatcher(Workspace(tmp_path / name))):
                    if pid and psutil.pid_exists(pid):
                        psutil.Process(pid).kill()
        assert done.code == 0
        tables[name] = [
            {key: value for key, value in row.items() if key != "run"}
            for row in done.json["results"]["rows"]
        ]
    assert tables["killed"] == tables["undisturbed"]


def _at_work(one: pipeline.Pipeline, stage: str) -> bool:
    run = one.runs().get(stage)
    return run is not None and run.status().state == "running" and (run.status().step or 0) > 3


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
