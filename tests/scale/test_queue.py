"""The queue gives its runs to the machines of a Ray cluster: two nodes on this machine."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from kdcore import lab
from kdcore.config import DistillConfig, ModelConfig, TrainingConfig
from kdcore.experiments.launch import launch
from kdcore.runs.queue import cluster, control, queue
from kdcore.runs.record import Record
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import DATA
from .test_cluster import PATIENCE, started, title

pytestmark = pytest.mark.slow


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Two nodes of one core each, whose address the queue is told."""
    with started(1, 1) as cluster_of_two:
        monkeypatch.setenv(cluster.ADDRESS, cluster_of_two.address)
        yield cluster_of_two


@pytest.fixture
def served(trained, nodes) -> Iterator[tuple[Workspace, Run]]:
    """The workspace and its teacher; the dispatcher is ended at last, before the cluster."""
    workspace, teacher = trained
    yield workspace, teacher
    for run in lab.store(workspace).list():
        control.pause(run, workspace, wait=True)
    if pid := queue.dispatcher(workspace):
        os.kill(pid, signal.SIGKILL)


def put(workspace: Workspace, teacher: Run, epochs: int, seed: int) -> Run:
    """A student in the queue that learns for a while, and saves a checkpoint often."""
    training = TrainingConfig(epochs=epochs, batch_size=10, checkpoint_seconds=0.2)
    student = ModelConfig.parse("cdssm:buckets=150,filters=12,semantic=8")
    config = DistillConfig(
        teacher=teacher.id, student=student, data=DATA, training=training, seed=seed
    )
    return launch(config, workspace, twin=False).student


def wait(true: Callable[[], bool], what: str, *runs: Run) -> None:
    """Return when something is true; fail when no run gets any further for a long time."""
    before, until = None, time.monotonic() + PATIENCE
    while not true():
        now = [(run.status().state, run.status().step, run.status().heartbeat) for run in runs]
        if now != before:
            before, until = now, time.monotonic() + PATIENCE
        assert time.monotonic() < until, f"never happened: {what}: {now}"
        time.sleep(0.1)


def workers() -> list[psutil.Process]:
    """The processes of the cluster that carry out a run of the queue."""
    processes = psutil.Process().children(recursive=True)
    return [each for each in processes if "carry_out_queued" in title(each)]


def test_two_runs_share_two_nodes_one_is_stopped_and_resumed_one_survives_its_worker(served):
    home, teacher = served
    runs = [put(home, teacher, 1000, seed) for seed in (1, 2)]
    wait(lambda: all(run.status().step > 0 for run in runs), "both take a step", *runs)
    first, second = runs
    devices = queue.devices(home)
    assert sorted(len(device.running) for device in devices) == [1, 1]  # a node each
    assert {run_id for device in devices for run_id in device.running} == {first.id, second.id}
    assert len(workers()) == 2
    carrier = Record.read(second.folder).pid

    control.pause(first, home)
    wait(lambda: first.status().state == "stopped", "the pause", first)
    stopped_at = first.status().step
    assert (first.folder / "checkpoint" / "checkpoint.json").is_file()
    assert "stopped" in first.status().message

    (worker,) = workers()
    wait((second.folder / "checkpoint" / "checkpoint.json").is_file, "a checkpoint", second)
    worker.kill()
    wait(lambda: [w.pid for w in workers()] not in ([], [worker.pid]), "a new worker", second)
    control.resume(first, home)
    wait(lambda: first.status().step > stopped_at, "more steps", first)
    for run in runs:
        wait(lambda run=run: not control.too_early(run), "something to keep", run)
        control.finish_early(run)
        wait(lambda run=run: run.status().state == "finished", "the early end", run)
    assert Record.read(second.folder).pid == carrier  # the same start of the queue
    assert "resumed at step" in second.log_path.read_text()
    for run in runs:
        assert run.model_folder.is_dir()
        assert run.metrics()
    wait(lambda: not any(device.running for device in queue.devices(home)), "free devices")


def test_a_run_on_a_cluster_that_fails_says_why(served):
    home, teacher = served
    run = put(home, teacher, 1, 3)
    wait(lambda: run.status().state == "finished", "the end", run)
    gone = lab.store(home).create({"stage": "finetune", "data": "no such data", "device": "cpu"})
    queue.enqueue([gone], home)
    wait(lambda: gone.status().state == "failed", "the failure", gone)
    assert "no such data" in gone.status().message
    wait(lambda: "no such data" in gone.log_path.read_text(), "the same in its log", gone)
