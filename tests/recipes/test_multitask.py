"""One encoder learns several tasks, and its run is a teacher like any other."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from kdcore import lab
from kdcore.config import MultitaskConfig, TaskConfig, from_dict, to_dict
from kdcore.data.pairs import PairTable
from kdcore.data.tasks import Task
from kdcore.errors import ConfigError, RunError
from kdcore.evaluation.tasks import read_tasks
from kdcore.experiments.command_line import command_of
from kdcore.models.beside.tasks import WithTasks
from kdcore.models.build import load_model
from kdcore.objectives.hard import hard_cross_entropy
from kdcore.runs.store import Run
from kdcore.training.session import Session
from kdcore.workspace import Workspace

from .conftest import (
    assert_same_result,
    created,
    distillation,
    finetuning,
    kill_before_step,
)

OFTEN = {"checkpoint_seconds": 0}


def multitask(**changes: Any) -> MultitaskConfig:
    """The small fine-tuning with two tasks beside relevance."""
    own = {k: changes.pop(k) for k in ("tasks", "task_weight", "split") if k in changes}
    settings = to_dict(finetuning("bert", **changes)) | {"stage": "multitask"}
    return replace(from_dict(settings), **own)  # type: ignore[return-value,arg-type]


@pytest.fixture
def home(home: Workspace, pairs: PairTable) -> Workspace:
    """The workspace, its pairs with a task of numbers and one of texts with missing labels."""
    row = np.arange(len(pairs))
    thing = pairs.frame["title"].str.split().str[-1]
    intent = np.where(row % 3 == 0, "", thing)
    frame = pairs.frame.assign(task_place=row % 2, task_intent=intent)
    replace(pairs, frame=frame).save(home.data_folder("invented"))
    return home


@pytest.fixture
def run(home: Workspace) -> Run:
    """A finished run on train and log."""
    return lab.start(multitask(split="train+log"), home)


def test_its_run_teaches_and_its_heads_lie_beside_the_model(run: Run, home: Workspace) -> None:
    assert [t.task for t in read_tasks(run.folder)] == 2 * ["relevance", "place", "intent"]
    assert {t.n for t in read_tasks(run.folder) if t.task == "place"} == {16}
    assert "| place | test |" in (run.folder / "README.md").read_text()
    line = next(line for line in reversed(run.metrics()) if "validation_nll" in line)
    assert {"validation_task_place", "validation_task_intent"} <= set(line)
    assert run.weights == {"hard": 1.0, "task_place": 1.0, "task_intent": 1.0}
    assert (run.role, run.shown_title) == ("teacher", "BERT-n · several tasks")
    model = load_model(run.model_folder)
    whole = WithTasks.load_beside(model, run.model_folder)
    assert [(t.name, t.classes[:2]) for t in whole.tasks] == [
        ("place", ("0", "1")),
        ("intent", ("coat", "drum")),
    ]
    labels = lab.predict(run, "lamp", "buy a lamp", workspace=home)
    assert sum(labels.values()) == pytest.approx(1)
    student = lab.start(distillation(run, "bert", epochs=1), home)
    assert student.status().state == "finished"


def test_relevance_alone_ends_as_a_fine_tuning_to_the_byte(home: Workspace) -> None:
    alone = lab.start(multitask(task_weight=0.0), home)
    named = lab.start(multitask(tasks=(TaskConfig(name="place", weight=0.0),)), home)
    finetuned = lab.start(finetuning("bert"), home)
    assert_same_result(alone, finetuned)
    assert_same_result(named, finetuned)
    assert not (alone.model_folder / "tasks.safetensors").exists()


def test_a_killed_run_resumes_to_the_same_bytes_and_not_with_other_labels(
    run: Run, home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = created(multitask(split="train+log", **OFTEN), home)
    kill_before_step(9, killed, home, monkeypatch)
    data = PairTable.load(home.data_folder("invented"))
    frame = data.frame.assign(task_place=1 - data.frame["task_place"])
    replace(data, frame=frame).save(home.data_folder("invented"))
    with pytest.raises(RunError, match="begun with other data"):
        lab.resume(killed, home)
    data.save(home.data_folder("invented"))
    lab.resume(killed, home)
    assert_same_result(run, killed)
    heads = [each.model_folder / "tasks.safetensors" for each in (run, killed)]
    assert heads[0].read_bytes() == heads[1].read_bytes()


def test_the_loss_is_the_weighted_sum_of_means_over_labelled_pairs(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[dict[str, float]] = []
    genuine = Session.step

    def noted(self: Session, loss: torch.Tensor, parts: dict[str, torch.Tensor]) -> None:
        steps.append({k: v.item() for k, v in {**parts, "loss": loss}.items()})
        genuine(self, loss, parts)

    monkeypatch.setattr(Session, "step", noted)
    config = multitask(
        tasks=(TaskConfig(name="place", weight=2.0), TaskConfig(name="relevance", weight=3.0)),
        task_weight=0.5,
        epochs=1,
    )
    lab.start(config, home)
    for step in steps:
        assert step["loss"] == pytest.approx(3 * step["hard"] + step["task_place"], rel=1e-5)
    assert set(steps[0]) == {"loss", "hard", "task_place"}


def test_a_masked_cross_entropy_by_hand_moves_only_by_labelled_pairs() -> None:
    logits = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 5.0]], requires_grad=True)
    loss = hard_cross_entropy(logits, torch.tensor([0, 1, -1]))
    assert loss.item() == pytest.approx((np.log(2) + np.log(1 + np.exp(2))) / 2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[2].tolist() == [0, 0]
    assert logits.grad[0].tolist() == [-0.25, 0.25]
    nobody = hard_cross_entropy(logits, torch.tensor([-1, -1, -1]))
    assert nobody.item() == 0


def test_the_heads_do_not_disturb_the_random_numbers_of_the_model(run: Run) -> None:
    model = load_model(run.model_folder)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    WithTasks(model, [Task("place", "place", ("0", "1"))], seed=5)
    assert torch.equal(torch.rand(3), expected)


def test_a_command_makes_it_again_and_the_settings_come_back(home: Workspace) -> None:
    config = multitask(tasks=(TaskConfig(name="intent", weight=0.5), TaskConfig(name="place")))
    command = command_of(config)
    assert command.startswith("kdlab multitask --model bert:")
    assert "--task intent:weight=0.5 --task place" in command
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config
    listed = to_dict(config) | {"tasks": ["place", "intent:weight=0.5"]}
    assert from_dict(listed) == config


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"tasks": (TaskConfig(weight=0.0),)}, "it must be learned; use one above 0"),
        ({"tasks": (TaskConfig(name="a"), TaskConfig(name="a"))}, "a named more than once"),
        ({"tasks": (TaskConfig(name=""),)}, "a name is empty"),
    ],
)
def test_settings_without_sense_are_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        multitask(**changes)


def test_two_towers_share_no_encoder_of_pairs() -> None:
    settings = to_dict(finetuning("twin")) | {"stage": "multitask"}
    with pytest.raises(ConfigError, match="no encoder that tasks can share"):
        from_dict(settings)
