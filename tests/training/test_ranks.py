"""One run on two processes ends as one process would, leaves no orphan and says what went wrong."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from kdcore import lab
from kdcore.config import MethodConfig, TermConfig
from kdcore.errors import RunError
from kdcore.runs.queue import processes
from kdcore.runs.store import Run
from kdcore.training.devices import pick_device, ranks
from kdcore.training.ranks.group import ALONE, Group
from kdcore.workspace import Workspace

from .conftest import assert_same_result, created, distillation, finetuning, lines

PLAIN = "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=200,ad_tokens=16,dropout=0"
EXACT = {"precision": "fp32"}  # bf16 products round at another place in a smaller batch
LONG = {"epochs": 1000, "log_every": 1000, "checkpoint_seconds": 1}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def assert_close(one: Run, other: Run) -> None:
    """The same lines up to float error.

    Weights are not compared: AdamW turns a gradient of nearly 0 into a whole step, so float error
    moves some of them apart that change nothing in what the model says.
    """
    told = lines(one), lines(other)
    assert [line.keys() for line in told[0]] == [line.keys() for line in told[1]]
    for left, right in zip(*told, strict=True):
        assert left == pytest.approx(right, abs=1e-4)


def test_shares_cover_a_batch_and_weigh_what_they_hold() -> None:
    rows = np.arange(7)
    shares = [Group(rank, 3).share(rows) for rank in range(3)]
    assert np.array_equal(np.concatenate(shares), rows)
    assert len(Group(1, 2).share(rows[:1])) == 1  # it takes part, and weighs nothing
    assert np.array_equal(ALONE.share(rows), rows)


@pytest.mark.parametrize("counted", [[1, 1, 0, 0, 1], [0, 0, 0, 1, 1], [0] * 5, [1] * 5])
def test_the_shares_gradients_add_up_to_that_of_the_batch(counted: list[int]) -> None:
    """Also of a mean over some of the pairs only, which the shares hold unevenly."""
    values, mask = torch.arange(5.0) + 1, np.array(counted, dtype=bool)
    rows = np.arange(5)

    def mean(x: torch.Tensor, own: Any) -> torch.Tensor:
        chosen = torch.from_numpy(mask[own])
        return (x * values[own] * chosen).sum() / max(int(chosen.sum()), 1)

    def gradient(group: Group) -> tuple[float, float]:
        weight = torch.tensor(2.0, requires_grad=True)
        own = group.share(rows)
        hard = group.scaled_mean(mean(weight, own), mask)
        soft = (weight * values[own]).mean()
        told = group.backward({"loss": soft + hard, "hard": hard}, rows)
        assert weight.grad is not None
        return float(weight.grad), float(told["hard"])

    parts = [gradient(Group(rank, 2)) for rank in range(2)]
    assert np.allclose(np.sum(parts, axis=0), gradient(ALONE))


def test_a_device_name_says_how_many_processes_train() -> None:
    assert [ranks(name) for name in ("auto", "cpu", "cpu:2", "cuda:1", "mps")] == [1, 1, 2, 1, 1]
    assert ranks("cuda:all") == max(1, torch.cuda.device_count())
    assert pick_device("cpu:2") == torch.device("cpu")


@pytest.mark.slow
def test_two_processes_learn_what_one_would(home: Workspace) -> None:
    one = lab.start(finetuning(PLAIN, **EXACT), home)
    assert_close(one, lab.start(finetuning(PLAIN, device="cpu:2", **EXACT), home))


@pytest.mark.slow
def test_a_distillation_on_two_processes_equals_that_on_one(home: Workspace, teacher: Run) -> None:
    """With labelled and unlabelled pairs, which the shares hold unevenly."""
    how = {"transfer": "train+log", "hard_weight": 0.5, "replay_points": 2, **EXACT}
    one = lab.start(distillation(teacher, PLAIN, **how), home)
    two = lab.start(distillation(teacher, PLAIN, device="cpu:2", **how), home)
    assert_close(one, two)
    assert np.abs(lab.predictions(one).logits - lab.predictions(two).logits).max() < 1e-2


@pytest.mark.slow
def test_a_ranking_on_two_processes_equals_that_on_one(home: Workspace, teacher: Run) -> None:
    how = {"terms": (TermConfig(name="ranking", weight=2.0),), **EXACT}
    one = lab.start(distillation(teacher, PLAIN, **how), home)
    assert_close(one, lab.start(distillation(teacher, PLAIN, device="cpu:2", **how), home))


@pytest.mark.slow
def test_an_assistant_learns_on_two_processes_as_on_one(home: Workspace, teacher: Run) -> None:
    method = MethodConfig(name="residual", params={"hidden": 8})
    one = lab.start(distillation(teacher, PLAIN, method=method, **EXACT), home)
    two = lab.start(distillation(teacher, PLAIN, method=method, device="cpu:2", **EXACT), home)
    assert_close(one, two)


@pytest.mark.slow
def test_with_dropout_a_resumed_run_of_two_processes_ends_the_same(home: Workspace) -> None:
    config = finetuning("twin", device="cpu:2", checkpoint_seconds=0)
    whole, cut = lab.start(config, home), created(config, home)
    from kdcore.training.session import Session

    genuine = Session.step

    def step(self: Session, *args: Any) -> None:
        if self.progress.step == 8:
            raise SystemExit
        genuine(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "step", step)
        with pytest.raises(SystemExit):
            lab.execute(cut, home)
    assert_no_helpers(home)
    assert_same_result(whole, lab.resume(cut, home))


@pytest.mark.slow
def test_torchrun_starts_the_processes_too(home: Workspace) -> None:
    one, two = (
        lab.start(finetuning(PLAIN, **EXACT), home),
        created(finetuning(PLAIN, device="cpu:2", **EXACT), home),
    )
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*torchrun, "--nproc-per-node", "2", "-m", "kdcore", "run", str(two.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert two.status().state == "finished"
    assert_close(one, two)


def helpers(run: Run) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if str(run.folder.resolve()) in (process.info["cmdline"] or []):
            found.append(process)
    return found


def assert_no_helpers(home: Workspace) -> None:
    """No process of a run in this workspace is left; those of other tests may be there."""
    root = str(home.root.resolve())
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert not [words for words in commands if any(word.startswith(root) for word in words)]


@pytest.fixture
def under_way(home: Workspace) -> Iterator[Callable[[], Run]]:
    """under_way(): a long run on two processes, detached, that has taken its first step."""
    begun: list[Run] = []

    def start() -> Run:
        run = created(finetuning(PLAIN, device="cpu:2", **LONG), home)
        begun.append(run)
        processes.start(run)
        wait_for(lambda: any(line["step"] >= 1 for line in run.metrics()), run)
        return run

    yield start
    for run in begun:
        processes.stop(run, grace=2)
        wait_for(lambda run=run: not helpers(run), run)


def wait_for(true: Callable[[], bool], run: Run) -> None:
    until = time.monotonic() + 120
    while not true():
        assert time.monotonic() < until, (run.status(), run.log_path.read_text())
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "paused", "kept"])
def test_the_end_of_a_run_takes_all_its_processes_along(
    how: str, under_way: Callable[[], Run]
) -> None:
    run = under_way()
    assert len(helpers(run)) == 2
    if how == "killed":
        pid = run.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    elif how == "paused":
        processes.stop(run)
    else:
        run.request_stop("keep")
    wait_for(lambda: not helpers(run), run)
    state = {"killed": "lost", "paused": "stopped", "kept": "finished"}[how]
    assert run.status().state == state


@pytest.mark.slow
def test_a_process_that_dies_ends_the_run_in_words(under_way: Callable[[], Run]) -> None:
    run = under_way()
    (other,) = [p for p in helpers(run) if p.pid != run.status().pid]
    other.kill()
    wait_for(lambda: run.status().state == "failed", run)
    assert "process 2 of 2 (exit -9) of this run ended too early" in run.status().message


@pytest.mark.slow
def test_a_full_memory_of_any_process_is_answered_with_what_fits(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rank 0 has room for two pairs only; the trials after it take the share of one process."""
    from kdcore.models.twinbert import MODEL

    genuine = MODEL.forward

    def forward(self: Any, batch: Any, *rest: Any) -> Any:
        if self.training and len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return genuine(self, batch, *rest)

    monkeypatch.setattr(MODEL, "forward", forward)
    with pytest.raises(RunError, match="batch size 4 fits"):  # two for each of two processes
        lab.start(finetuning(PLAIN, device="cpu:2", **EXACT), home)
    assert_no_helpers(home)
