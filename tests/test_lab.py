"""The door to the engine: each stage in one call, and every refusal a sentence."""

import errno
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kdcore import lab
from kdcore.config import FinetuneConfig, ModelConfig, TrainingConfig
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import ConfigError, DataError, LabError, RunError, UnknownNameError
from kdcore.evaluation import result_files
from kdcore.labels import BINARY
from kdcore.recipes.stage import SCORED
from kdcore.runs.queue import processes
from kdcore.runs.store import Run
from kdcore.workspace import Workspace
from tests.recipes.conftest import unmeasured as unmeasured

TEACHER = "bert:layers=1,hidden=16,heads=2,vocabulary=200"
STUDENT = "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=200"
SHORT = TrainingConfig(epochs=2, batch_size=16, learning_rate=5e-3)
HERE: dict[str, Any] = {"device": "cpu", "threads": 1}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with one data set of 96 pairs in three splits."""
    things = ("lamp", "kettle", "sofa", "drum")
    rows = [
        (f"{things[q % 4]} {q}", f"buy a {things[(q + a) % 4]}", f"offer {a}", int(a == 0), split)
        for q in range(24)
        for a in range(4)
        for split in [("train", "train", "validation", "test")[q // 4 % 4]]
    ]
    query, title, description, grade, split = map(list, zip(*rows, strict=True))
    workspace = Workspace(tmp_path_factory.mktemp("lab"))
    frame = make_frame(query, title, description, grade, split)
    PairTable(frame, BINARY, "small").save(workspace.data_folder("small"))
    return workspace


@pytest.fixture(scope="module")
def teacher(home: Workspace) -> Run:
    return lab.finetune("small", TEACHER, workspace=home, training=SHORT, **HERE)


@pytest.fixture(scope="module")
def student(home: Workspace, teacher: Run) -> Run:
    return lab.distill(teacher, STUDENT, workspace=home, training=SHORT, temperature=3, **HERE)


def test_a_stage_leaves_a_finished_run_with_model_and_predictions(
    home: Workspace, teacher: Run, student: Run
) -> None:
    for run in (teacher, student):
        assert run.status().state == "finished"
        assert (run.model_folder / "model.safetensors").exists()
        for split in SCORED:
            pairs = lab.split_of(run, split, home)
            lab.predictions(run, split).require(pairs.content_hash, len(pairs))
    assert student.settings["method"]["params"]["temperature"] == 3
    assert student.settings["data"] == "small"
    assert student.settings["teacher"] == teacher.id


def test_settings_reach_the_run_as_they_were_said(home: Workspace) -> None:
    run = lab.finetune(
        "small", TEACHER, workspace=home, training=SHORT, loss="mse", seed=3, limit=16, **HERE
    )
    assert [run.settings[k] for k in ("loss", "seed", "limit", "threads")] == ["mse", 3, 16, 1]
    assert len(lab.predictions(run, "validation")) == 16


def test_an_evaluation_is_kept_in_the_run_s_folder(
    home: Workspace, teacher: Run, student: Run
) -> None:
    assert lab.stored_evaluation(student) is not None  # measured when it finished
    made = lab.evaluate(student.id, teacher=teacher.id, workspace=home, resamples=50)
    assert 0 <= made.metrics["roc_auc"].value <= 1
    assert any("teacher" in key for key in made.metrics)
    kept = lab.stored_evaluation(student)
    assert kept is not None
    assert kept.metrics["roc_auc"].value == made.metrics["roc_auc"].value


def test_an_evaluation_hands_back_what_it_read(home: Workspace, teacher: Run, student: Run) -> None:
    result = lab.evaluate(student, teacher=teacher, rivals=[teacher], workspace=home, resamples=20)
    assert result.pairs.content_hash == lab.split_of(student, "test", home).content_hash
    assert result.predictions.digest == lab.predictions(student).digest
    assert result.teacher is not None
    assert result.teacher.digest == lab.predictions(teacher).digest
    assert [rival.model for rival in result.rivals] == [result.teacher.model]


def test_a_typed_pair_gets_a_probability_for_each_grade(home: Workspace, student: Run) -> None:
    soft = lab.predict(student, "lamp", "buy a lamp", workspace=home)
    assert list(soft) == ["Bad", "Good"]
    assert sum(soft.values()) == pytest.approx(1)
    flat = lab.predict(student.id, "lamp", "buy a lamp", temperature=100, workspace=home)
    assert max(flat.values()) < max(soft.values())


@pytest.mark.parametrize(
    ("query", "title", "temperature"), [(" ", "title", 1), ("query", " ", 1), ("q", "t", 0)]
)
def test_a_pair_that_cannot_be_scored_is_refused(
    query: str, title: str, temperature: float, home: Workspace, student: Run
) -> None:
    with pytest.raises(ConfigError, match=r"Nothing to score|^temperature: 0 is outside"):
        lab.predict(student, query, title, temperature=temperature, workspace=home)


def test_every_wrong_setting_is_told_at_once_and_leaves_no_run(
    home: Workspace, teacher: Run
) -> None:
    before = {run.id for run in lab.store(home).list()}
    with pytest.raises(ConfigError) as caught:
        lab.finetune("small", TEACHER, workspace=home, sead=1, los="mse", label_smoothing=2)
    assert len(caught.value.problems) == 3
    assert "did you mean 'seed'?" in str(caught.value)
    with pytest.raises(ConfigError, match=r"params.temperatur: no such setting; did you mean"):
        lab.distill(teacher, STUDENT, workspace=home, temperatur=2)
    with pytest.raises(ConfigError, match="no student is called 'twinbert': did you mean"):
        lab.distill(teacher, "twinbert", workspace=home)
    with pytest.raises(ConfigError, match="no method is called 'respons': did you mean"):
        lab.distill(teacher, STUDENT, workspace=home, method="respons")
    with pytest.raises(ConfigError, match="batchsize: no such setting"):
        lab.infer(teacher, workspace=home, batchsize=1)
    with pytest.raises(UnknownNameError):
        lab.distill("nobody", STUDENT, workspace=home)
    assert {run.id for run in lab.store(home).list()} == before


def test_data_or_a_device_that_is_not_there_is_said_so(home: Workspace) -> None:
    with pytest.raises(LabError, match="did you mean 'small'"):
        lab.finetune("smal", TEACHER, workspace=home)
    with pytest.raises(ConfigError, match="'cuda:77' is not here"):
        lab.finetune("small", TEACHER, workspace=home, device="cuda:77", training=SHORT)
    run = lab.store(home).create({"stage": "finetune", "data": "small"})
    with pytest.raises(DataError, match="has no split 'log'; it has train, validation, test"):
        lab.split_of(run, "log", home)


def test_a_run_without_a_model_cannot_teach_answer_or_be_evaluated(home: Workspace) -> None:
    waiting = lab.store(home).create({"stage": "finetune", "data": "small", "limit": 0})
    before = len(lab.store(home).list())
    for ask in (
        lambda: lab.distill(waiting, STUDENT, workspace=home),
        lambda: lab.infer(waiting.id, workspace=home),
        lambda: lab.predict(waiting, "lamp", "lamp", workspace=home),
    ):
        with pytest.raises(RunError, match=rf"no model yet; finish .* resume {waiting.folder}"):
            ask()
    with pytest.raises(RunError, match="has no predictions on 'test'; finish it with"):
        lab.evaluate(waiting, workspace=home)
    assert len(lab.store(home).list()) == before


def test_the_caller_s_number_of_threads_comes_back(home: Workspace, teacher: Run) -> None:
    import torch

    before = torch.get_num_threads()
    lab.infer(teacher, workspace=home, threads=before + 1, splits=("test",))
    assert torch.get_num_threads() == before


@pytest.mark.slow
def test_a_detached_run_that_is_killed_is_lost_and_resumes_to_the_same_result(
    home: Workspace, teacher: Run
) -> None:
    long = TrainingConfig(epochs=20, batch_size=8, learning_rate=5e-3, checkpoint_seconds=0)
    settings = {"workspace": home, "training": long, **HERE}
    undisturbed = lab.distill(teacher, STUDENT, **settings)
    killed = lab.store(home).create(undisturbed.settings)
    pid = processes.start(killed)
    card = killed.checkpoint_folder / "checkpoint.json"
    until = time.monotonic() + 60
    while not card.exists():
        assert time.monotonic() < until, "the child never came to its first checkpoint"
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    while killed.status().state == "running":
        time.sleep(0.01)
    assert killed.status().state == "lost"
    assert json.loads(card.read_text())["step"] < 20 * 6
    lab.resume(killed.id, home)
    kept = [(r.model_folder / "model.safetensors").read_bytes() for r in (undisturbed, killed)]
    assert kept[0] == kept[1]
    logits = [lab.predictions(run).logits for run in (undisturbed, killed)]
    assert np.array_equal(*logits)


def test_a_stopped_run_says_how_to_go_on_and_goes_on(home: Workspace) -> None:
    run = lab.store(home).create(
        lab.finetune("small", STUDENT, workspace=home, training=SHORT, **HERE).settings
    )
    with run.write() as writer:
        writer.finish("stopped", "stopped on request")
    assert lab.resume(run, home).status().state == "finished"
    with pytest.raises(RunError, match="is finished; only a stopped, failed or lost run"):
        lab.resume(run.id, home)


def test_a_broken_folder_cannot_be_resumed(home: Workspace) -> None:
    folder = Path(home.runs) / "20260101-0000-finetune-torn"
    folder.mkdir(parents=True)
    with pytest.raises(RunError, match="is broken; only a stopped, failed or lost run"):
        lab.resume("20260101-0000-finetune-torn", home)
    folder.rmdir()


def test_data_and_limit_are_the_source_run_s_unless_told(home: Workspace) -> None:
    settings: dict[str, Any] = {"workspace": home, "training": SHORT, **HERE}
    short = lab.finetune("small", TEACHER, limit=16, **settings)
    other = lab.pairs_of(short.config, home)
    other.save(home.data_folder("other"))
    smoothed = lab.distill(short, STUDENT, **settings, label_smoothing=0.1)
    assert smoothed.settings["label_smoothing"] == 0.1
    for ask in (
        lambda **more: lab.distill(short, STUDENT, **settings, **more),
        lambda **more: lab.infer(short, workspace=home, **HERE, **more),
    ):
        assert [ask().settings[k] for k in ("data", "limit")] == ["small", 16]
        assert [ask(data="other").settings[k] for k in ("data", "limit")] == ["other", 0]
        assert ask(data="small").settings["limit"] == 16
        assert ask(data="other", limit=8).settings["limit"] == 8


def test_a_run_of_another_workspace_teaches_and_answers(
    home: Workspace, teacher: Run, tmp_path: Path
) -> None:
    here = Workspace(tmp_path)
    lab.pairs_of(teacher.config, home).save(here.data_folder("small"))
    made = lab.distill(str(teacher.folder), STUDENT, workspace=here, training=SHORT, **HERE)
    assert made.settings["teacher"] == str(teacher.folder.resolve())
    assert made.status().state == "finished"
    answered = lab.infer(teacher, workspace=here, splits=("test",), **HERE)
    assert answered.settings["run"] == str(teacher.folder.resolve())
    assert answered.predictions_path("test").exists()


def test_a_run_outside_the_store_resumes_on_the_store_s_data(
    home: Workspace, teacher: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDLAB_HOME", str(home.root))
    run = lab.store(Workspace(tmp_path / "out")).create(teacher.settings)
    with run.write() as writer:
        writer.finish("stopped", "stopped on request")
    assert lab.resume(str(run.folder)).status().state == "finished"
    assert lab.evaluate(run, resamples=10).metrics["roc_auc"].n == 16


def test_relative_paths_are_kept_so_that_they_hold_in_every_folder(
    home: Workspace, teacher: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.pairs_of(teacher.config, home).save(tmp_path / "near")
    (tmp_path / "small").mkdir()  # an imported name wins over a folder of that name
    monkeypatch.chdir(tmp_path)
    run = lab.finetune("near", TEACHER, workspace=home, training=SHORT, **HERE)
    model = ModelConfig(name="checkpoint", checkpoint="near")
    plain = lab.create(FinetuneConfig(data="small", model=model), home)
    assert plain.settings["data"] == "small"
    assert plain.settings["model"]["checkpoint"] == str(tmp_path / "near")
    lab.store(home).delete(plain.id)
    (tmp_path / "far").mkdir()
    monkeypatch.chdir(tmp_path / "far")
    assert run.settings["data"] == str(tmp_path / "near")
    assert lab.evaluate(run, workspace=home, resamples=10).metrics["roc_auc"].n == 16


def test_an_evaluation_that_cannot_be_kept_is_answered_all_the_same(
    home: Workspace, student: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(result_files, "write_text_atomic", read_only)
    found = lab.evaluate(student, workspace=home, resamples=20)
    assert found.metrics["roc_auc"].value >= 0
    assert found.evaluation.notes[-1].startswith("This evaluation was not saved in ")
    assert found.evaluation.notes[-1].endswith("read-only file system.")
