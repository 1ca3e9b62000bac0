"""A finished run knows how fast it is beside its teacher, and what the teacher says of its test."""

import json

import numpy as np
import pytest
import torch

from kdcore import lab
from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.result_files import stored_differences
from kdcore.judging import latency
from kdcore.judging.latency import measure_latency
from kdcore.models.build import load_model
from kdcore.predictions import Predictions
from kdcore.recipes import after_run
from kdcore.runs.speed import LATENCY, Latency
from kdcore.runs.twins import twin_of
from tests.recipes.conftest import distillation, finetuning


@pytest.fixture(autouse=True)
def unmeasured():
    """Here runs measure themselves at their end, as they do everywhere else."""


@pytest.fixture
def student(home, teacher):
    return lab.start(distillation(teacher, epochs=1), home)


def test_a_distilled_run_keeps_its_own_and_its_teachers_latency(student, teacher):
    found = Latency.read(student)
    assert found.student.parameters == load_model(student.model_folder).size
    assert found.teacher.parameters == load_model(teacher.model_folder).size
    for speed in (found.student, found.teacher):
        assert latency.FEWEST <= speed.one_thread.n <= latency.DRAWS
        assert 0 < speed.one_thread.p50_ms <= speed.one_thread.p95_ms
        assert speed.pairs_per_second > 0
        assert 0 < speed.tokens_p50 <= speed.tokens_p95
    assert (found.device, found.threads, found.drawn_from) == ("cpu", 1, "test")


def test_a_run_has_its_test_metrics_and_the_difference_to_its_twin_when_it_ends(
    home, teacher, student
):
    assert lab.stored_evaluation(student).metrics["roc_auc"].n > 0
    twin = lab.start(twin_of(student.config), home)
    assert stored_differences(home, student, twin)["roc_auc"].n > 0


def test_a_run_without_a_teacher_is_measured_alone(teacher):
    assert Latency.read(teacher).teacher is None
    assert not teacher.teacher_path().exists()


def test_one_thread_on_a_cpu_is_measured_once(student):
    found = Latency.read(student).student
    assert found.one_thread == found.configured


def test_several_threads_are_measured_beside_one_and_left_as_they_were(pairs, teacher):
    model, before = load_model(teacher.model_folder), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = measure_latency(pairs, model, None, torch.device("cpu"), budget=0.02)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert found.threads == 2
    assert found.student.one_thread != found.student.configured


def test_a_slow_model_is_timed_on_fewer_pairs_and_n_says_so(pairs, teacher):
    model = load_model(teacher.model_folder)
    found = measure_latency(pairs, model, None, torch.device("cpu"), budget=0.0)
    assert found.student.one_thread.n == latency.FEWEST


def test_a_measurement_that_fails_harms_no_run(home, teacher, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("no clock here")

    monkeypatch.setattr(after_run, "latency_of", broken)
    run = lab.start(finetuning("cdssm", epochs=1), home)
    assert run.status().state == "finished"
    assert Latency.read(run) is None
    assert "no clock here" in run.log_path.read_text()


def test_a_damaged_file_reads_as_not_measured(student):
    whole = json.loads((student.folder / LATENCY).read_text())
    for damaged in ("{", "[]", json.dumps(whole | {"student": 3}), json.dumps({"device": "cpu"})):
        (student.folder / LATENCY).write_text(damaged)
        assert Latency.read(student) is None


def test_the_teachers_answers_are_kept_only_where_its_own_run_has_none(home, teacher, student):
    assert not student.teacher_path().exists()  # the teacher's run answered the same test pairs
    again = _renamed(lab.split_of(teacher, "train", home), home)
    run = lab.start(distillation(teacher, epochs=1, data=again), home)
    kept = Predictions.load(run.teacher_path())
    test = lab.split_of(run, "test", home)
    kept.require(test.content_hash, len(test))
    assert kept.model == teacher.id


def _renamed(pairs: PairTable, home) -> str:
    """Other pairs in the lab, cut in three."""
    splits = np.array(["train", "validation", "test"])[pairs.query_ids % 3]
    frame = pairs.frame
    made = make_frame(frame["query"], frame["title"], frame["description"], frame["grade"], splits)
    PairTable(made, pairs.scheme, "other").save(home.data_folder("other"))
    return "other"


def test_a_student_whose_teacher_is_gone_is_measured_alone(home, teacher, student):
    lab.store(home).trash(teacher.id)
    config = student.config
    found = latency.latency_of(student, config, lab.split_of(student, "test", home))
    assert found.student.parameters > 0
    assert found.teacher is None
