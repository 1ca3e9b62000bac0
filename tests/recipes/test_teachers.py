"""Teachers beside one run: several together, and a moving average of the student itself."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from kdcore import lab
from kdcore.config import DistillConfig, TermConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError, RunError
from kdcore.experiments.command_line import command_of
from kdcore.experiments.titles import title_of
from kdcore.recipes import after_run
from kdcore.runs.store import Run
from kdcore.runs.twins import teacher_of, twin_of
from kdcore.softlabels import soften
from kdcore.workspace import Workspace

from .conftest import assert_same_result, created, distillation, finetuning, kill_before_step, lines


def taught_by(text: str, teacher: Run, kind: str = "twin", **changes: object) -> DistillConfig:
    return replace(distillation(teacher, kind, **changes), teacher=text)


@pytest.fixture
def second(home: Workspace) -> Run:
    return lab.start(finetuning("cdssm", epochs=1, seed=3), home)


def test_several_runs_teach_together_what_their_mean_says(
    home: Workspace, teacher: Run, second: Run, pairs: PairTable
) -> None:
    text = f"ensemble:{teacher.id}+{second.id}"
    run = lab.start(taught_by(text, teacher, epochs=1), home)
    test = pairs.split("test")
    after_run._store_teacher(run.config, pairs, run, home)  # type: ignore[arg-type]
    stored = after_run.Predictions.load(run.teacher_path()).require(test.content_hash, len(test))
    members = [soften(lab.answers(each, test, home)[0].logits) for each in (teacher, second)]
    np.testing.assert_allclose(soften(stored.logits), np.mean(members, axis=0), atol=1e-6)
    level = next(line for line in lines(run) if "teacher_validation_roc_auc" in line)
    assert 0 < level["teacher_validation_roc_auc"] <= 1
    assert run.notes[0].startswith("the 2 teachers agree on the top grade of")
    assert run.teachers == (teacher.id, second.id)
    assert teacher_of(run) is None  # it is no single run
    assert title_of(run.config).endswith("T 2, 2 teachers, seed 0")  # type: ignore[arg-type]
    assert f"--teacher {text} " in command_of(run.config)


def test_an_ensemble_of_one_model_twice_teaches_what_that_model_does(
    home: Workspace, teacher: Run
) -> None:
    shutil.copytree(teacher.folder, home.run_folder("copy"))
    alone = lab.start(distillation(teacher, epochs=1), home)
    both = lab.start(taught_by(f"ensemble:{teacher.id}+copy", teacher, epochs=1), home)
    ours, theirs = lab.predictions(alone).logits, lab.predictions(both).logits
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_member_without_a_model_or_of_other_terms_is_refused_by_name(
    home: Workspace, teacher: Run
) -> None:
    waiting = created(finetuning("cdssm"), home)
    with pytest.raises(RunError, match=f"{waiting.id} is queued and has no model yet"):
        lab.start(taught_by(f"ensemble:{teacher.id}+{waiting.id}", teacher), home)
    with pytest.raises(ConfigError, match="teacher: Feature reads features, and several runs"):
        taught_by("ensemble:a+b", teacher, terms=(TermConfig(name="feature"),))


def test_a_student_learns_from_its_own_average_with_every_term_it_can(
    home: Workspace, teacher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed and resumed it ends with the same bytes: the average is in the checkpoint."""
    terms = tuple(TermConfig(name=name) for name in ("feature", "internal"))
    config = taught_by("ema:decay=0.8", teacher, "bert", terms=terms, checkpoint_seconds=0)
    whole, cut = lab.start(config, home), created(config, home)
    kill_before_step(9, cut, home, monkeypatch)
    assert_same_result(whole, lab.resume(cut, home))
    soft = [line["soft"] for line in lines(whole) if "soft" in line]
    assert soft[0] == pytest.approx(0, abs=0.05)  # it begins as the student, but for dropout
    assert all("teacher_validation_nll" not in line for line in lines(whole))
    assert whole.teachers == ()
    assert twin_of(config) == twin_of(replace(config, teacher=teacher.id))


def test_its_own_average_changes_what_a_student_learns(home: Workspace, teacher: Run) -> None:
    how = {"hard_weight": 1.0, "epochs": 1}
    pulled = lab.start(taught_by("ema", teacher, soft_weight=5.0, **how), home)
    free = lab.start(taught_by("ema", teacher, soft_weight=0.0, **how), home)
    assert np.abs(lab.predictions(pulled).logits - lab.predictions(free).logits).max() > 1e-3


@pytest.mark.slow
def test_its_own_average_on_two_processes_equals_that_on_one(
    home: Workspace, teacher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    plain = "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=200,ad_tokens=16,dropout=0"
    runs = [
        lab.start(taught_by("ema", teacher, plain, device=device, precision="fp32"), home)
        for device in ("cpu", "cpu:2")
    ]
    for one, two in zip(*map(lines, runs), strict=True):
        assert one == pytest.approx(two, abs=1e-4)
