"""Not-a-number, full memory, full disk, Ctrl-C: a plain sentence, and the checkpoint is good."""

import errno
import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from kdcore import lab
from kdcore.errors import RunError
from kdcore.models import predict
from kdcore.recipes import finetune
from kdcore.runs.store import Run
from kdcore.training import checkpoint as checkpoints
from kdcore.training.session import Session
from kdcore.workspace import Workspace

from .conftest import Undisturbed, assert_same_result, checkpoint, created, finetuning

At = Callable[[int, Callable[[Session], None]], None]


@pytest.fixture
def after_step(monkeypatch: pytest.MonkeyPatch) -> At:
    """after_step(n, act): do something right after the n-th step, once."""

    def arm(number: int, act: Callable[[Session], None]) -> None:
        genuine, done = Session.step, []

        def step(self: Session, *args: Any) -> None:
            genuine(self, *args)
            if self.progress.step == number and not done:
                done.append(True)
                act(self)

        monkeypatch.setattr(Session, "step", step)

    return arm


def poison(session: Session) -> None:
    """What an infinite gradient leaves: the loss of this step was a number, the weights are not."""
    with torch.no_grad():
        next(session.model.parameters()).view(-1)[0] = float("nan")


def assert_good_checkpoint(run: Run, at_most: int) -> None:
    card = checkpoint(run)
    assert card["step"] <= at_most
    for path in run.checkpoint_folder.glob("*.safetensors"):
        assert all(t.float().isfinite().all() for t in load_file(path).values()), path


@pytest.mark.parametrize("seconds", [0, 60])
@pytest.mark.parametrize("step", [2, 9, 18])
def test_an_infinite_loss_ends_the_run_with_its_step_and_rate(
    step: int,
    seconds: float,
    home: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: Undisturbed,
) -> None:
    genuine, calls = finetune.hard_cross_entropy, []

    def overflowing(*args: Any) -> Any:
        calls.append(1)
        return genuine(*args) * (float("inf") if len(calls) == step else 1)

    monkeypatch.setattr(finetune, "hard_cross_entropy", overflowing)
    run = created(finetuning("bert", checkpoint_seconds=seconds), home)
    with pytest.raises(
        RunError, match=rf"not-a-number at step {step} of 18 \(learning rate 0.005\); try 0.0005"
    ) as caught:
        lab.execute(run, home)
    kept = (run.checkpoint_folder / "checkpoint.json").exists()
    assert ("The last good checkpoint is saved" in str(caught.value)) == kept
    assert ("There is no checkpoint yet" in str(caught.value)) != kept
    assert caught.value.exit_code == 4
    status = run.status()
    assert (status.state, status.message) == ("failed", str(caught.value))
    assert not run.model_folder.exists()
    if not seconds and step > 1:
        assert_good_checkpoint(run, step - 1)
        monkeypatch.undo()
        assert_same_result(undisturbed(finetuning("bert")), lab.resume(run, home))


def test_a_loss_that_is_no_number_at_once_is_not_blamed_on_the_learning_rate(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = finetune.hard_cross_entropy
    monkeypatch.setattr(finetune, "hard_cross_entropy", lambda *a: genuine(*a) * float("nan"))
    with pytest.raises(RunError, match=r"the learning rate is not the cause: .* no checkpoint yet"):
        lab.start(finetuning(), home)


@pytest.mark.parametrize("step", [1, 6, 8, 18])
def test_weights_that_are_no_numbers_are_never_kept(
    step: int, home: Workspace, after_step: At
) -> None:
    """The loss of the last step was computed before they broke, so the loss alone cannot tell."""
    after_step(step, poison)
    run = created(finetuning(checkpoint_seconds=0), home)
    with pytest.raises(RunError, match=f"not-a-number at step {step} of 18"):
        lab.execute(run, home)
    assert not run.model_folder.exists()
    if step > 1:
        assert_good_checkpoint(run, step - 1)
    assert not (run.checkpoint_folder / f"best-{step:08d}.safetensors").exists()


def test_an_absurd_learning_rate_ends_in_a_number_or_in_words(home: Workspace) -> None:
    run = created(finetuning("bert", learning_rate=1.0, clip=0, warmup=0), home)
    try:
        lab.execute(run, home)
    except RunError as error:
        assert "learning rate 1" in str(error)  # noqa: PT017
    else:
        assert np.isfinite(lab.predictions(run).logits).all()


MEMORY = {
    "a GPU's": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    "the machine's": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
    "Python's": MemoryError(),
}


SMALLER = ", and at 1 too; choose a smaller model"


@pytest.mark.parametrize(
    ("whose", "where", "way_out"),
    [
        ("a GPU's", "kdcore.recipes.finetune.hard_cross_entropy", SMALLER),
        ("the machine's", "kdcore.training.session.calibrate_head", SMALLER),
        ("Python's", "kdcore.recipes.finetune.hard_cross_entropy", SMALLER),
        ("a GPU's", "kdcore.recipes.stage.predict_table", "; 4 needs about half"),
        ("the machine's", "kdcore.recipes.stage.predict_table", "; 4 needs about half"),
    ],
)
def test_a_full_memory_names_the_batch_size_and_a_way_out(
    whose: str, where: str, way_out: str, home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MEMORY[whose]

    monkeypatch.setattr(where, full)
    run = created(finetuning(), home)
    what = "GPU" if whose == "a GPU's" else "machine"
    with pytest.raises(RunError, match=f"the {what} ran out of memory at batch size 8{way_out}"):
        lab.execute(run, home)
    assert run.status().state == "failed"
    assert "batch size 8" in run.status().message


def test_a_batch_of_one_is_not_halved(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(finetune, "hard_cross_entropy", full)
    with pytest.raises(RunError, match="at batch size 1; choose a smaller model"):
        lab.start(finetuning(batch_size=1), home)


DISK = {
    "Python's": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "the quota's": OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
    "safetensors'": SafetensorError(
        'I/O error: Os { code: 28, message: "No space left on device" }'
    ),
}


@pytest.mark.parametrize("whose", DISK)
def test_a_full_disk_leaves_the_checkpoint_before_intact(
    whose: str, home: Workspace, monkeypatch: pytest.MonkeyPatch, undisturbed: Undisturbed
) -> None:
    genuine, calls = checkpoints.save_file, []

    def save(tensors: Any, path: Any) -> None:
        calls.append(1)
        if len(calls) == 9:
            path.write_bytes(b"half a file")
            raise DISK[whose]
        genuine(tensors, path)

    monkeypatch.setattr(checkpoints, "save_file", save)
    run = created(finetuning(checkpoint_seconds=0), home)
    with pytest.raises(RunError, match=r"the disk is full: .* the last good checkpoint is saved"):
        lab.execute(run, home)
    assert run.status().state == "failed"
    assert_good_checkpoint(run, 7)
    assert not list(run.checkpoint_folder.glob(".*"))
    monkeypatch.undo()
    assert_same_result(undisturbed(finetuning()), lab.resume(run, home))


def test_a_disk_that_is_full_from_the_start_promises_no_checkpoint(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DISK["Python's"]

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(RunError, match=r"the disk is full: .* starts over, because"):
        lab.start(finetuning(checkpoint_seconds=0), home)


def test_a_full_disk_while_answers_are_written_leaves_no_torn_file(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DISK["Python's"]

    monkeypatch.setattr("kdcore.predictions.pq.write_table", full)
    run = created(finetuning(), home)
    with pytest.raises(RunError, match="the disk is full"):
        lab.execute(run, home)
    assert not run.predictions_path("test").exists()
    monkeypatch.undo()
    assert lab.resume(run, home).status().state == "finished"


def interrupt(session: Session) -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("step", [5, 12, 18])
def test_ctrl_c_stops_after_a_checkpoint(
    step: int, home: Workspace, after_step: At, undisturbed: Undisturbed
) -> None:
    after_step(step, interrupt)
    run = created(finetuning(), home)
    with pytest.raises(KeyboardInterrupt):
        lab.execute(run, home)
    assert run.status().state == "stopped"
    assert f"kdlab runs resume {run.folder}" in run.status().message
    assert checkpoint(run)["step"] == step
    assert_same_result(undisturbed(finetuning()), lab.resume(run, home))


def test_a_second_ctrl_c_stops_at_once(home: Workspace, after_step: At) -> None:
    def twice(session: Session) -> None:
        interrupt(session)
        interrupt(session)

    after_step(5, twice)
    run = created(finetuning(), home)
    with pytest.raises(KeyboardInterrupt):
        lab.execute(run, home)
    assert run.status().state == "stopped"
    assert not run.checkpoint_folder.exists()


def test_ctrl_c_means_what_it_meant_before_once_training_is_over(home: Workspace) -> None:
    before = signal.getsignal(signal.SIGINT)
    lab.start(finetuning(epochs=1), home)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_damaged_cache_is_made_again(home: Workspace, teacher: Run) -> None:
    pairs = lab.pairs_of(finetuning(), home).split("train")
    lab.answers(teacher.id, pairs, home)
    (kept,) = home.cache_folder("logits").glob("*.parquet")
    kept.write_bytes(b"PAR1 and then the power went")
    _, was_cached = lab.answers(teacher.id, pairs, home)
    assert not was_cached
    assert lab.answers(teacher.id, pairs, home)[1]


def test_the_heartbeat_beats_at_every_step(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long step must not look like a dead run: the record is written between log lines too."""
    monkeypatch.setattr("kdcore.runs.writer.HEARTBEAT_EVERY", 0)
    seen: list[int] = []
    run = created(finetuning(), home)
    genuine = Session.step

    def step(self: Session, *args: Any) -> None:
        seen.append(run.status().step)
        genuine(self, *args)

    monkeypatch.setattr(Session, "step", step)
    lab.execute(run, home)
    assert seen == list(range(18))


def test_scoring_needs_no_more_memory_than_training() -> None:
    assert [predict.score_size(size) for size in (1, 16, 128, 4096)] == [4, 64, 512, 512]
