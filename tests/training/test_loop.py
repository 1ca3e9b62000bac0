"""What a watcher needs is written by the run itself, as it goes, and changes nothing in it."""

import json
import signal
from collections.abc import Callable

import numpy as np
import pytest

from kdcore import lab
from kdcore.config import from_dict, to_dict
from kdcore.data.pairs import PairTable
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.training.replay import WITH_FEATURES, evenly, with_features
from kdcore.workspace import Workspace, write_json_atomic

from .conftest import (
    Undisturbed,
    assert_same_result,
    created,
    distillation,
    finetuning,
    lines,
    tensors,
    weights,
)

Killer = Callable[[Run, str, str, int], int]
STEP = "kdcore.training.session:Session.step"
CLOSE = {"log_every": 4, "validations": 3, "replay_points": 4, "checkpoint_seconds": 0}


def steps(run: Run, name: str) -> list[float]:
    return [line["step"] for line in run.metrics() if name in line]


@pytest.mark.parametrize(
    ("every", "logged"),
    [(20, [1, 6, 12, 18]), (4, [1, 4, 6, 8, 12, 16, 18]), (1, list(range(1, 19)))],
)
def test_a_line_stands_at_the_first_step_and_every_so_many(
    every: int, logged: list[int], home: Workspace
) -> None:
    run = lab.start(finetuning(log_every=every), home)
    assert steps(run, "loss") == logged


@pytest.mark.parametrize(
    ("times", "seen"), [(1, [6, 12, 18]), (2, [3, 6, 9, 12, 15, 18]), (100, list(range(1, 19)))]
)
def test_validations_are_spread_evenly_over_each_epoch(
    times: int, seen: list[int], home: Workspace
) -> None:
    run = lab.start(finetuning(validations=times), home)
    assert steps(run, "validation_nll") == seen
    assert steps(run, "validation_roc_auc") == seen


def test_evenly_ends_at_the_last_step() -> None:
    assert evenly(3, 10) == {4, 7, 10}
    assert max(evenly(7, 3)) == 3
    assert evenly(0, 3) == frozenset()


def test_features_are_stored_at_few_moments_the_first_and_the_last_among_them() -> None:
    moments = evenly(40, 320) | {0}
    stored = with_features(moments)
    assert stored < moments
    assert len(stored) == WITH_FEATURES
    assert {0, 320} <= stored
    assert with_features(frozenset()) == frozenset()


def test_the_moment_kept_may_lie_inside_an_epoch(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kdcore.training import loop, metric_log

    told = iter([0.9, 0.8, 0.2, 0.5, 0.6, 0.7])
    monkeypatch.setattr(metric_log, "nll", lambda *_: next(told))
    genuine, seen = loop.score, []
    monkeypatch.setattr(loop, "score", lambda *a: seen.append(genuine(*a)) or seen[-1])
    run = lab.start(finetuning(validations=2), home)
    assert next(x["kept_step"] for x in reversed(run.metrics()) if "kept_step" in x) == 9
    assert np.array_equal(lab.predictions(run, "validation").logits, seen[2][0])


def test_looking_more_often_changes_nothing_in_what_is_learned(
    home: Workspace, undisturbed: Undisturbed
) -> None:
    """One epoch, and the best moment is its end in both: then the weights are the same."""
    plain = undisturbed(finetuning(epochs=1))
    closer = lab.start(finetuning(epochs=1, **CLOSE), home)
    last = [line for line in lines(closer) if line["step"] == 6 and "kept_step" in line][-1]
    assert last["validation_nll"] == lines(plain)[-1]["validation_nll"]
    if last["kept_step"] == 6:
        assert weights(plain) == weights(closer)


@pytest.mark.parametrize("at", [1, 5, 9, 16])
def test_a_closely_watched_run_resumes_to_the_same_lines_and_model(
    at: int, home: Workspace, teacher: Run, killer: Killer, undisturbed: Undisturbed
) -> None:
    config = distillation(teacher, **CLOSE)
    whole, killed = undisturbed(config), created(config, home)
    assert killer(killed, STEP, "after", at) == signal.SIGKILL
    assert_same_result(whole, lab.resume(killed, home))
    for path in whole.replay_folder.glob("*.parquet"):
        again = Predictions.load(killed.replay_folder / path.name)
        assert np.array_equal(Predictions.load(path).logits, again.logits)


def test_the_teacher_s_quality_stands_at_step_0_before_the_student_has_learned(
    teacher: Run, undisturbed: Undisturbed
) -> None:
    run = undisturbed(distillation(teacher))
    first = run.metrics()[0]
    assert first["step"] == 0
    told = [line for line in teacher.metrics() if "validation_nll" in line]
    kept = next(line for line in told if line["step"] == told[-1]["kept_step"])
    assert first["teacher_validation_nll"] == pytest.approx(kept["validation_nll"], abs=1e-6)
    assert first["teacher_validation_roc_auc"] == pytest.approx(kept["validation_roc_auc"])
    assert steps(undisturbed(finetuning()), "teacher_validation_nll") == []


def test_the_probe_knows_what_the_teacher_says_and_how_the_student_began(
    home: Workspace, teacher: Run, pairs: PairTable
) -> None:
    run = lab.start(distillation(teacher, replay_points=2), home)
    probe = PairTable.load(run.replay_folder / "probe")
    said = Predictions.load(run.replay_folder / "teacher.parquet")
    said.require(probe.content_hash, len(probe))
    asked, _ = lab.answers(teacher.id, probe, home)
    np.testing.assert_allclose(said.logits, asked.logits, atol=1e-5)
    assert said.model == teacher.id
    before = Predictions.load(run.replay_folder / "step-00000000.parquet")
    assert not np.array_equal(
        before.logits, Predictions.load(run.replay_folder / "step-00000009.parquet").logits
    )


def test_a_student_and_its_twin_are_watched_on_the_same_pairs_from_the_same_start(
    home: Workspace, teacher: Run
) -> None:
    student = lab.start(distillation(teacher, replay_points=3, seed=5), home)
    twin = lab.start(finetuning(replay_points=3, seed=5), home)
    probes = [PairTable.load(r.replay_folder / "probe") for r in (student, twin)]
    assert probes[0].content_hash == probes[1].content_hash
    names = [sorted(p.name for p in r.replay_folder.glob("step-*")) for r in (student, twin)]
    assert names[0] == names[1]
    first = [Predictions.load(r.replay_folder / names[0][0]).logits for r in (student, twin)]
    assert np.array_equal(*first)


def test_every_line_of_training_tells_the_memory_in_use(
    teacher: Run, undisturbed: Undisturbed
) -> None:
    run = undisturbed(distillation(teacher))
    for line in run.metrics():
        assert "seconds" in line or line["memory_mb"] > 10


def test_a_config_of_before_still_loads_and_its_run_still_resumes(
    home: Workspace, killer: Killer, undisturbed: Undisturbed
) -> None:
    """What was begun without the newer knobs did just what their defaults say."""
    config = to_dict(finetuning(checkpoint_seconds=0))
    for name in ("log_every", "validations"):
        del config["training"][name]
    assert from_dict(config) == finetuning(checkpoint_seconds=0)
    whole, old = undisturbed(from_dict(config)), created(from_dict(config), home)
    assert killer(old, STEP, "after", 9) == signal.SIGKILL
    write_json_atomic(old.folder / "config.json", config)
    assert "log_every" not in json.loads((old.folder / "config.json").read_text())["training"]
    assert_same_result(whole, lab.resume(old, home))
    assert tensors(whole).keys() == tensors(old).keys()
