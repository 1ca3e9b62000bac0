from dataclasses import replace
from pathlib import Path

import pytest

from kdcore.config import MethodConfig, TrainingConfig, to_dict
from kdcore.experiments.presets import config_of
from kdcore.runs.purpose import Purpose
from kdcore.runs.store import Run
from kdcore.runs.twins import are_twins, is_twin, same_training, twin_of
from tests.experiments.planned import distillation, planned, pretended

DEMO = Path(__file__).parents[2] / "assets" / "demo" / "runs"
STUDENT = config_of("sixty_seconds", {"label_smoothing": 0.1, "device": "cpu", "threads": 1})


def twins(student, twin):
    return are_twins(to_dict(student), to_dict(twin))


def test_a_twin_has_all_of_its_student_but_the_teacher():
    twin = twin_of(STUDENT)
    assert (twin.model, twin.training) == (STUDENT.student, STUDENT.training)
    for name in ("data", "limit", "seed", "device", "threads", "label_smoothing"):
        assert getattr(twin, name) == getattr(STUDENT, name)
    assert twin.loss == "ce"
    assert twins(STUDENT, twin)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"limit": 9},
        {"data": "other"},
        {"label_smoothing": 0.0},
        {"model": replace(STUDENT.student, start_from="a-run")},
        {"training": replace(STUDENT.training, epochs=9)},
        {"training": replace(STUDENT.training, batch_size=9)},
        {"training": replace(STUDENT.training, validations=1)},
    ],
    ids=str,
)
def test_one_that_differs_in_what_it_learns_is_no_twin(change):
    assert not twins(STUDENT, replace(twin_of(STUDENT), **change))
    assert not same_training(twin_of(STUDENT), replace(twin_of(STUDENT), **change))


def test_where_a_twin_runs_and_how_closely_it_is_watched_makes_no_difference():
    watched = {"replay_points": 0, "log_every": 50, "checkpoint_seconds": 1}
    training = replace(STUDENT.training, **watched)
    other = replace(twin_of(STUDENT), device="cuda", threads=3, training=training)
    assert twins(STUDENT, other)
    assert same_training(twin_of(STUDENT), other)


def test_a_student_is_no_twin_and_has_none_among_students():
    assert not twins(STUDENT, STUDENT)
    assert not twins(twin_of(STUDENT), twin_of(STUDENT))
    assert not are_twins({}, {"model": {}})
    assert not are_twins(to_dict(STUDENT), to_dict(twin_of(STUDENT)) | {"training": "damaged"})


def test_the_twins_of_the_demo_are_twins_and_no_others_are():
    runs = [Run.load(folder) for folder in DEMO.iterdir()]
    found = {(a.id, b.id) for a in runs for b in runs if is_twin(a, b)}
    names = ("cdssm", "twinbert_cos", "twinbert_res", "bert")
    assert found == {(f"{name}-kd", f"{name}-hard") for name in names}


def test_a_twin_without_the_unlabelled_pairs_takes_as_many_steps():
    student = replace(
        STUDENT, transfer="train+log", training=TrainingConfig(epochs=6, batch_size=128)
    )
    twin = twin_of(student, transfer=24_000, labelled=4_000)
    steps = 6 * -(-24_000 // 128), twin.training.epochs * -(-4_000 // 128)
    assert abs(steps[0] - steps[1]) <= -(-4_000 // 128) / 2
    assert are_twins(to_dict(student), to_dict(twin), steps)
    assert twins(student, twin_of(student))  # as many epochs: the tutorial's way


def test_one_of_more_epochs_is_a_twin_for_as_many_steps_only():
    student = replace(STUDENT, transfer="train+log", training=TrainingConfig(epochs=2))
    twin = twin_of(student, transfer=1_280, labelled=640)
    for found, steps in ((True, (20, 20)), (True, (20, 22)), (False, (20, 40)), (False, (20, 0))):
        assert are_twins(to_dict(student), to_dict(twin), steps) is found


def test_a_twin_that_was_launched_with_its_student_is_its_twin(tmp_path):
    workspace, teacher = planned(tmp_path)
    config = distillation(teacher)  # as if half of train were labelled
    longer = twin_of(config, transfer=48, labelled=24)
    student, twin = (pretended(workspace, one) for one in (config, longer))
    assert not is_twin(student, twin)
    Purpose(twin=twin.id).write(student.folder)
    assert is_twin(Run.load(student.folder), twin)


def test_steps_that_a_run_wrote_down_make_twins_of_two_that_nobody_launched(tmp_path):
    workspace, teacher = planned(tmp_path)
    config = distillation(teacher)
    student = pretended(workspace, config, stage="distill", total_steps=12)
    longer = twin_of(config, transfer=48, labelled=24)
    equal, other = (pretended(workspace, longer, stage="finetune", total_steps=n) for n in (12, 24))
    assert is_twin(student, equal)
    assert not is_twin(student, other)


def test_the_tutorials_student_has_a_twin_of_the_tutorials_loss():
    student = replace(STUDENT, method=MethodConfig(params={"loss": "mse_probabilities"}))
    twin = twin_of(student)
    assert (twin.loss, twin.label_smoothing) == ("mse", 0.0)
    assert twins(student, twin)
