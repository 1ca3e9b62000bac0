"""A seed gives one student, however often its training is killed, stopped and resumed."""

import random
import signal
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from torch import nn

from kdcore import lab
from kdcore.config import ModelConfig, to_dict
from kdcore.data.pairs import PairTable
from kdcore.errors import RunError
from kdcore.objectives import response
from kdcore.runs.store import Run
from kdcore.runs.writer import RunWriter
from kdcore.training.session import Session
from kdcore.workspace import Workspace, write_json_atomic
from tests.models.pretrained.folders import encoder_folder, sentence_folder

from .conftest import (
    KINDS,
    Undisturbed,
    assert_same_result,
    checkpoint,
    created,
    distillation,
    finetuning,
    kill_before_step,
    lines,
    weights,
)

Killer = Callable[[Run, str, str, int], int]
STEP = "kdcore.training.session:Session.step"
OFTEN = {"checkpoint_seconds": 0}  # a checkpoint after every step


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(
    kind: str, home: Workspace
) -> None:
    first, again, other = (
        lab.start(finetuning(kind, seed=seed, epochs=2), home) for seed in (1, 1, 2)
    )
    assert_same_result(first, again)
    assert weights(first) != weights(other)


def test_a_pretrained_encoder_ends_the_same_twice_and_after_a_kill(
    home: Workspace, teacher: Run, killer: Killer
) -> None:
    source = str(teacher.model_folder)
    model = ModelConfig(name="checkpoint", checkpoint=source, params={"ad_tokens": 16})
    config = replace(finetuning(epochs=2, **OFTEN), model=model)
    first, again = (lab.start(config, home) for _ in range(2))
    assert_same_result(first, again)
    killed = created(config, home)
    assert killer(killed, STEP, "after", 8) == signal.SIGKILL
    assert_same_result(first, lab.resume(killed, home))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["xlm-r", "modernbert"])  # packed, and padded
def test_pretrained_towers_killed_at_a_step_resume_to_the_same_result(
    architecture: str, home: Workspace, teacher: Run, killer: Killer, pairs: PairTable
) -> None:
    texts = [*pairs.frame["query"], *pairs.frame["title"]]
    source = sentence_folder(encoder_folder(home.root / architecture, architecture, texts))
    config = distillation(teacher, f"twinbert_cos:from={source},ad_tokens=16", **OFTEN)
    first, killed = lab.start(config, home), created(config, home)
    assert killer(killed, STEP, "after", 8) == signal.SIGKILL
    assert_same_result(first, lab.resume(killed, home))


def test_two_threads_give_the_same_student_twice(home: Workspace) -> None:
    first, again = (lab.start(finetuning("bert", threads=2), home) for _ in range(2))
    assert_same_result(first, again)


def test_distillation_gives_the_same_student_twice(
    home: Workspace, teacher: Run, undisturbed: Undisturbed
) -> None:
    config = distillation(teacher)
    assert_same_result(undisturbed(config), lab.start(config, home))


def test_the_students_of_a_run_do_not_depend_on_what_was_trained_before(
    home: Workspace, undisturbed: Undisturbed
) -> None:
    first = undisturbed(finetuning())
    lab.start(finetuning("cdssm", seed=9), home)
    assert_same_result(first, lab.start(finetuning(), home))


@pytest.mark.parametrize("kind", ["bert", "twin", "cdssm"])
def test_a_run_killed_at_a_random_step_resumes_to_the_same_result(
    kind: str, home: Workspace, killer: Killer, undisturbed: Undisturbed
) -> None:
    killed = created(finetuning(kind, **OFTEN), home)
    at = random.randint(2, 18)
    assert killer(killed, STEP, "after", at) == signal.SIGKILL
    sys.stderr.write(f"killed after step {at}\n")  # shown when this test fails
    assert killed.status().state == "lost"
    assert_same_result(undisturbed(finetuning(kind)), lab.resume(killed, home))
    assert killed.status().state == "finished"


def test_a_distillation_killed_at_a_random_step_resumes_to_the_same_result(
    home: Workspace, teacher: Run, killer: Killer, undisturbed: Undisturbed
) -> None:
    config = distillation(teacher, transfer="train+log", **OFTEN)
    whole, killed = undisturbed(config), created(config, home)
    at = random.randint(2, 24)
    assert killer(killed, STEP, "after", at) == signal.SIGKILL
    sys.stderr.write(f"killed after step {at}\n")  # shown when this test fails
    assert_same_result(whole, lab.resume(killed, home))


def test_a_run_killed_twice_resumes_to_the_same_result(
    home: Workspace, killer: Killer, undisturbed: Undisturbed
) -> None:
    killed = created(finetuning(**OFTEN), home)
    for _ in range(2):
        assert killer(killed, STEP, "after", 7) == signal.SIGKILL
    assert checkpoint(killed)["step"] == 12
    assert_same_result(undisturbed(finetuning()), lab.resume(killed, home))


MOMENTS = {
    "with no checkpoint yet": (STEP, "after", 1),
    "between the last step of an epoch and its log line": (STEP, "after", 6),
    "between the log line and the validation": (
        "kdcore.training.loop:Monitor.validate",
        "before",
        1,
    ),
    "between the best weights and the validation line": (
        "kdcore.training.checkpoint:Checkpoints.save_best",
        "after",
        2,
    ),
    "between the validation and the checkpoint": (
        "kdcore.training.loop:Monitor.validate",
        "after",
        2,
    ),
    "between the last validation and the checkpoint": (
        "kdcore.training.loop:Monitor.validate",
        "after",
        3,
    ),
    "between the tensors of a checkpoint and its card": (
        "kdcore.training.checkpoint:write_json_atomic",
        "before",
        6,
    ),
    "between a card and the removal of older files": (
        "kdcore.training.checkpoint:write_json_atomic",
        "after",
        12,
    ),
    "before the model is kept": ("kdcore.training.session:Session.keep_best", "before", 1),
    "after the model is kept": ("kdcore.training.session:Session.keep_best", "after", 1),
    "while the test pairs are scored": ("kdcore.recipes.stage:predict_table", "before", 2),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_at_the_worst_moment_resumes_to_the_same_result(
    moment: str, home: Workspace, undisturbed: Undisturbed, killer: Killer
) -> None:
    killed = created(finetuning(**OFTEN), home)
    assert killer(killed, *MOMENTS[moment]) == signal.SIGKILL
    assert_same_result(undisturbed(finetuning()), lab.resume(killed, home))


def test_a_run_killed_before_its_first_checkpoint_begins_anew(
    home: Workspace, undisturbed: Undisturbed, killer: Killer
) -> None:
    killed = created(finetuning(), home)
    assert killer(killed, STEP, "after", 14) == signal.SIGKILL
    assert len(lines(killed)) == 5
    assert_same_result(undisturbed(finetuning()), lab.resume(killed, home))


def test_a_run_that_was_asked_to_stop_resumes_to_the_same_result(
    home: Workspace, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = created(finetuning(), home)
    genuine = Session.step

    def step(self: Session, *args: object) -> None:
        genuine(self, *args)  # type: ignore[arg-type]
        if self.progress.step == 10:
            self.run.request_stop()

    monkeypatch.setattr(Session, "step", step)
    monkeypatch.setattr("kdcore.runs.writer.STOP_LOOK_EVERY", 0)
    with pytest.raises(RunError, match="is stopped: stopped on request at step 10 of 18"):
        lab.execute(stopped, home)
    assert stopped.status().state == "stopped"
    assert "at step 10 of 18" in stopped.status().message
    assert not stopped.model_folder.exists()
    assert_same_result(undisturbed(finetuning()), lab.resume(stopped, home))


def test_modules_beside_the_model_resume_too(
    home: Workspace, teacher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An objective's projection that began anew would pull the student elsewhere."""

    class Projected(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Linear(2, 2)
            self.drop = nn.Dropout(0.2)

        def forward(self, student: object, taught: object) -> object:
            gap = self.drop(self.map(student.logits)) - taught.logits  # type: ignore[attr-defined]
            return gap.square().mean()

    monkeypatch.setattr(response, "objective", lambda params, student, teacher: Projected())
    config = distillation(teacher, **OFTEN)
    whole, cut = lab.start(config, home), created(config, home)
    kill_before_step(9, cut, home, monkeypatch)
    assert_same_result(whole, lab.resume(cut, home))


@pytest.fixture
def halfway(home: Workspace, killer: Killer) -> Run:
    """A run that was killed at its ninth step."""
    run = created(finetuning(**OFTEN), home)
    assert killer(run, STEP, "before", 9) == signal.SIGKILL
    return run


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_run_is_not_resumed_with_other_data(
    split: str, home: Workspace, halfway: Run, restage: Callable[..., None], pairs: object
) -> None:
    frame = pairs.frame  # type: ignore[attr-defined]
    restage(frame.index[frame["split"] == split][:4], "title", "quite another wording")
    with pytest.raises(RunError, match="was begun with other data; start a new run"):
        lab.resume(halfway, home)
    assert halfway.status().state == "failed"


def test_a_run_is_not_resumed_with_other_settings(home: Workspace, halfway: Run) -> None:
    config = to_dict(halfway.config)
    config["training"]["learning_rate"] = 1e-4
    write_json_atomic(halfway.folder / "config.json", config)
    with pytest.raises(RunError, match="was begun with other settings, or by another version"):
        lab.resume(halfway.id, home)


def test_a_damaged_checkpoint_is_said_to_be_damaged(home: Workspace, halfway: Run) -> None:
    (newest,) = halfway.checkpoint_folder.glob("step-*")
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.raises(RunError, match=r"cannot be read .* delete that folder to start over"):
        lab.resume(halfway, home)


def test_a_finished_run_is_not_resumed_and_keeps_no_checkpoint(home: Workspace) -> None:
    run = lab.start(finetuning(**OFTEN), home)
    assert not run.checkpoint_folder.exists()
    with pytest.raises(RunError, match="is finished; only a stopped, failed or lost run"):
        lab.resume(run, home)


def test_the_speed_after_a_resume_counts_only_steps_that_were_taken(
    home: Workspace, halfway: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr("kdcore.training.metric_log.time.monotonic", lambda: float(next(clock)))
    lab.resume(halfway, home)
    after = [x["pairs_per_second"] for x in halfway.metrics() if x.get("pairs_per_second")]
    assert max(after[2:]) <= 8  # no step of eight pairs takes less than one tick of this clock


def test_losses_that_straddle_a_stop_make_one_line(home: Workspace, halfway: Run) -> None:
    assert checkpoint(halfway)["step"] == 8
    lab.resume(halfway, home)
    logged = [line["step"] for line in lines(halfway) if "loss" in line]
    assert logged == [1, 6, 12, 18]


def test_the_writer_of_a_fresh_run_drops_nothing(home: Workspace) -> None:
    run = created(finetuning(), home)
    with RunWriter(run.folder) as writer:
        writer.truncate_after(0)
        writer.finish("stopped")
    assert run.metrics() == []
