"""The runs of a sweep are carried out on a Ray cluster, as they are in one process."""

import hashlib
import os
import shutil
import subprocess
import sys
import time

import pytest

from kdcore import lab
from kdcore.experiments.elsewhere import carry_out
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import DATA
from .test_cluster import PATIENCE, kill, started

STUDENT = "cdssm:buckets=150,filters=12,semantic=8"


@pytest.fixture
def copies(trained, tmp_path) -> tuple[Workspace, Workspace, Run]:
    """Two workspaces with the same teacher."""
    workspace, teacher = trained
    for name in ("here", "there"):
        shutil.copytree(workspace.root, tmp_path / name)
    return Workspace(tmp_path / "here"), Workspace(tmp_path / "there"), teacher


def sweep(home: Workspace, teacher: Run, on: str, epochs: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "kdcore", "sweep", "--teacher", teacher.id, "--data", DATA]
    command += ["--student", STUDENT, "--grid", "temperature=1,4", "--on", on, "--threads", "1"]
    command += ["--epochs", str(epochs), "--batch-size", "10", "--device", "cpu", "-q"]
    settings = os.environ | {"KDLAB_HOME": str(home.root)}
    saved = ["--set", "training.checkpoint_seconds=0.2"]
    return subprocess.Popen([*command, *saved], env=settings, start_new_session=True)


def weights(home: Workspace, teacher: Run) -> dict[str, str]:
    """The hash of the weights of every run but the teacher, by its title."""
    runs = [run for run in lab.store(home).list() if run.id != teacher.id]
    assert all(run.status().state == "finished" for run in runs)
    files = {run.title: run.model_folder / "model.safetensors" for run in runs}
    return {title: hashlib.sha256(path.read_bytes()).hexdigest() for title, path in files.items()}


@pytest.mark.slow
def test_a_sweep_on_a_cluster_ends_with_the_bytes_of_one_process_also_after_a_kill(copies):
    here, there, teacher = copies
    assert sweep(here, teacher, "local", 30).wait(PATIENCE) == 0
    with started(1, 1) as cluster:
        driver = sweep(there, teacher, f"ray:{cluster.address}", 30)
        until = time.monotonic() + PATIENCE
        while not list(there.runs.glob("*/checkpoint/checkpoint.json")):
            assert time.monotonic() < until
            assert driver.poll() is None
            time.sleep(0.05)
        kill("worker", driver, cluster, doing="carry_out")
        assert driver.wait(PATIENCE) == 0
    assert weights(there, teacher) == weights(here, teacher)
    assert len(weights(there, teacher)) == 3  # two students and the twin that they share


def test_a_task_does_not_repeat_a_finished_run_and_says_why_it_cannot_do_another(copies):
    here, _, teacher = copies
    run = lab.store(here).get(teacher.id)
    before = (run.folder / "status.json").read_bytes()
    assert carry_out({"folder": str(run.folder), "home": str(here.root)}) == ""
    assert (run.folder / "status.json").read_bytes() == before
    gone = lab.store(here).create({"stage": "finetune", "data": "no such data"})
    assert "no such data" in carry_out({"folder": str(gone.folder), "home": str(here.root)})
    assert gone.status().state == "failed"
