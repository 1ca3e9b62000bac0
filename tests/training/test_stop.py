"""Stop and keep: a training ends where it stands, with the best so far, as a finished run."""

from typing import Any

import numpy as np
import pytest

from kdcore import lab
from kdcore.errors import RunError
from kdcore.predictions import Predictions
from kdcore.recipes import finetune
from kdcore.runs.store import Run
from kdcore.training.session import Session
from kdcore.workspace import Workspace

from .conftest import Undisturbed, assert_same_result, created, distillation, finetuning, lines


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """asked(step, kind): ask the run to end when it has taken this step."""
    monkeypatch.setattr("kdcore.runs.writer.STOP_LOOK_EVERY", 0)

    def arm(number: int, kind: str = "keep") -> None:
        genuine = Session.step

        def step(self: Session, *args: Any) -> None:
            genuine(self, *args)
            if self.progress.step == number:
                self.run.request_stop(kind)  # type: ignore[arg-type]

        monkeypatch.setattr(Session, "step", step)

    return arm


def best(run: Run) -> float:
    return min(line["validation_nll"] for line in run.metrics() if "validation_nll" in line)


@pytest.mark.parametrize("step", [1, 4, 6, 10])
def test_the_run_is_finished_and_says_where_it_ended(
    step: int, home: Workspace, asked: Any
) -> None:
    asked(step)
    run = created(finetuning(), home)
    lab.execute(run, home)
    status = run.status()
    assert status.state == "finished"
    assert status.message == f"stopped early at step {step} of 18, and saved"
    assert max(line["step"] for line in run.metrics()) == step


def test_what_was_kept_is_usable_everywhere(home: Workspace, teacher: Run, asked: Any) -> None:
    asked(4)
    run = created(distillation(teacher, replay_points=2), home)
    lab.execute(run, home)
    assert len(lab.predictions(run, "test")) == 16
    assert "Validation: NLL" in (run.folder / "README.md").read_text()
    assert lab.evaluate(run, workspace=home, resamples=20).metrics["roc_auc"].value >= 0
    assert sum(lab.predict(run, "lamp", "buy a lamp", workspace=home).values()) == pytest.approx(1)
    moments = sorted(path.stem for path in run.replay_folder.glob("step-*"))
    assert moments == ["step-00000000", "step-00000004"]
    assert len(Predictions.load(run.replay_folder / "step-00000004.parquet")) == 16
    assert not run.checkpoint_folder.exists()
    with pytest.raises(RunError, match="is finished; only a stopped"):
        lab.resume(run, home)


def test_the_weights_of_the_moment_are_judged_before_they_are_kept(
    home: Workspace, asked: Any
) -> None:
    """Step 10 lies between two validations: it is validated too, and wins only when it is best."""
    asked(10)
    run = created(finetuning(), home)
    lab.execute(run, home)
    told = {x["step"]: x["validation_nll"] for x in run.metrics() if "validation_nll" in x}
    assert set(told) == {6, 10}
    kept = [x["kept_step"] for x in run.metrics() if "kept_step" in x][-1]
    assert told[kept] == best(run)
    assert [line["step"] for line in lines(run) if "loss" in line] == [1, 6, 10]


def test_an_early_end_changes_nothing_in_what_was_learned_before(
    home: Workspace, asked: Any, undisturbed: Undisturbed
) -> None:
    whole = undisturbed(finetuning())
    asked(12)
    cut = created(finetuning(), home)
    lab.execute(cut, home)
    before = [line for line in lines(whole) if line["step"] <= 12]
    assert lines(cut) == before


def test_a_wish_to_keep_at_the_last_step_is_an_ordinary_end(
    home: Workspace, asked: Any, undisturbed: Undisturbed
) -> None:
    whole = undisturbed(finetuning())
    asked(18)
    run = created(finetuning(), home)
    lab.execute(run, home)
    assert run.status().message == ""
    assert_same_result(whole, run)


def test_a_stop_while_the_teacher_is_asked_leaves_a_run_that_can_go_on(
    home: Workspace, teacher: Run, monkeypatch: pytest.MonkeyPatch, undisturbed: Undisturbed
) -> None:
    """Nothing is learned yet, so there is nothing to keep."""
    monkeypatch.setattr("kdcore.runs.writer.STOP_LOOK_EVERY", 0)
    from kdcore.teachers import cached

    run, genuine = created(distillation(teacher), home), cached.predict_table

    def ask(*args: Any, **kwargs: Any) -> Any:
        run.request_stop("keep")
        return genuine(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(cached, "predict_table", ask)
        with pytest.raises(RunError, match="nothing new to keep"):
            lab.execute(run, home)
    assert run.status().state == "stopped"
    whole = undisturbed(distillation(teacher))
    assert_same_result(whole, lab.resume(run, home))
    assert np.isfinite(lab.predictions(run).logits).all()


@pytest.mark.parametrize("kind", ["twin", "cdssm"])
def test_a_stop_is_heeded_while_the_tokenizer_is_learned(
    kind: str, home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdcore.runs.writer.STOP_LOOK_EVERY", 0)
    run, genuine = created(finetuning(kind), home), finetune.new_model

    def stopped(*args: Any) -> Any:
        run.request_stop()
        return genuine(*args)

    monkeypatch.setattr(finetune, "new_model", stopped)
    with pytest.raises(RunError, match="stopped on request before any further training"):
        lab.execute(run, home)
    assert run.status().state == "stopped"
    assert not run.checkpoint_folder.exists()
