"""Invented pairs in a folder, students of a few thousand weights, and children to be killed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from kdcore import lab
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    MethodConfig,
    ModelConfig,
    TrainingConfig,
    to_dict,
    to_yaml,
)
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY
from kdcore.recipes import stage
from kdcore.recipes.stage import SCORED
from kdcore.runs.store import Run, RunStore
from kdcore.training.session import Session
from kdcore.workspace import Workspace

torch.set_num_threads(1)

THINGS = ("lamp", "kettle", "sofa", "drum", "tent", "coat")
KINDS = {
    "bert": "bert:layers=1,hidden=16,heads=2,vocabulary=200,ad_tokens=16",
    "twin": "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=200,ad_tokens=16,dropout=0.2",
    "residual": "twinbert_res:layers=1,hidden=16,heads=2,vocabulary=200,shared=false,crossing=16",
    "cdssm": "cdssm:buckets=150,filters=12,semantic=8,dropout=0.2",
}
Undisturbed = Callable[[FinetuneConfig | DistillConfig], Run]
TIMES = ("time", "pairs_per_second", "seconds", "memory_mb")


def invented(scheme_name: str = "invented", queries: int = 24, ads: int = 4) -> PairTable:
    """Pairs in four splits; an ad is good when it offers what was searched."""
    rows = []
    for q in range(queries):
        split = ("train", "train", "train", "validation", "test", "log")[q % 6]
        thing = THINGS[q // 6 % 6]
        for a in range(ads):
            offer = thing if (a + q) % 2 else THINGS[(q + a + 1) % 6]
            grade = -1 if split == "log" else int(offer == thing)
            rows.append((f"{thing} number {q}", f"buy a {offer}", f"offer {a}", grade, split))
    query, title, description, grade, splits = map(list, zip(*rows, strict=True))
    return PairTable(make_frame(query, title, description, grade, splits), BINARY, scheme_name)


@pytest.fixture(scope="session")
def pairs() -> PairTable:
    """96 pairs: 48 to train on, 16 to validate, 16 to test, 16 of a log without grades."""
    return invented()


@pytest.fixture
def home(tmp_path: Path, pairs: PairTable) -> Workspace:
    """An empty workspace whose data set `invented` is those pairs."""
    workspace = Workspace(tmp_path / "home")
    pairs.save(workspace.data_folder("invented"))
    return workspace


def training(**changes: Any) -> TrainingConfig:
    """Three epochs of six steps."""
    usual = {"epochs": 3, "batch_size": 8, "learning_rate": 5e-3}
    return TrainingConfig(**(usual | changes))


def finetuning(kind: str = "twin", **changes: Any) -> FinetuneConfig:
    """The config of a small fine-tuning; changes may name training knobs too."""
    knobs = {k: changes.pop(k) for k in list(changes) if k in TrainingConfig.__dataclass_fields__}
    usual: dict[str, Any] = {"data": "invented", "threads": 1, "device": "cpu"}
    usual["model"] = ModelConfig.parse(KINDS.get(kind, kind))
    return FinetuneConfig(training=training(**knobs), **(usual | changes))


def distillation(teacher: Run, kind: str = "twin", **changes: Any) -> DistillConfig:
    """The config of a small distillation."""
    knobs = {k: changes.pop(k) for k in list(changes) if k in TrainingConfig.__dataclass_fields__}
    usual: dict[str, Any] = {"data": "invented", "threads": 1, "device": "cpu"}
    params = {"temperature": changes.pop("temperature", 2)}
    usual["method"] = MethodConfig(name="response", params=params)
    usual["student"] = ModelConfig.parse(KINDS.get(kind, kind))
    return DistillConfig(
        teacher=teacher.id,
        training=training(**knobs),
        **(usual | changes),
    )


def created(config: Any, home: Workspace) -> Run:
    """A run that waits to be carried out."""
    return RunStore(home.runs).create(to_dict(config))


def kill_before_step(step: int, run: Run, home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Execute a run until this step of all its students together, counted from 1, would be next."""
    genuine, taken = Session.step, 0

    def until(self: Session, *args: object) -> None:
        nonlocal taken
        taken += 1
        if taken == step:
            raise SystemExit
        genuine(self, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Session, "step", until)
        with pytest.raises(SystemExit):
            lab.execute(run, home)


def weights(run: Run) -> bytes:
    """The bytes of the kept model."""
    return (run.model_folder / "model.safetensors").read_bytes()


def checkpoint(run: Run) -> dict[str, Any]:
    """What the card of the last checkpoint says."""
    card: dict[str, Any] = json.loads((run.checkpoint_folder / "checkpoint.json").read_text())
    return card


def tensors(run: Run) -> dict[str, Tensor]:
    """The kept weights by name."""
    found: dict[str, Tensor] = load_file(run.model_folder / "model.safetensors")
    return found


def lines(run: Run) -> list[dict[str, float]]:
    """The metric lines without what a clock has a say in."""
    kept = [{k: v for k, v in line.items() if k not in TIMES} for line in run.metrics()]
    return [line for line in kept if set(line) != {"step"}]


def assert_same_result(one: Run, other: Run) -> None:
    """Byte-equal weights, the same numbers on the way, the same answers."""
    assert weights(one) == weights(other)
    assert lines(one) == lines(other)
    for split in SCORED:
        answers = lab.predictions(one, split), lab.predictions(other, split)
        assert np.array_equal(answers[0].logits, answers[1].logits)


@pytest.fixture(autouse=True)
def unmeasured() -> Iterator[None]:
    """No run measures itself at its end, which takes longer than its training takes here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "measure_run", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, pairs: PairTable) -> Run:
    """A cross-encoder that has learned a little, in a workspace of its own."""
    workspace = Workspace(tmp_path_factory.mktemp("trained"))
    pairs.save(workspace.data_folder("invented"))
    return lab.start(finetuning("bert", epochs=4), workspace)


@pytest.fixture
def teacher(home: Workspace, trained: Run) -> Run:
    """A copy of the trained cross-encoder in the workspace of the test."""
    return Run.load(shutil.copytree(trained.folder, home.run_folder(trained.id)))


@pytest.fixture(scope="session")
def undisturbed(trained: Run) -> Undisturbed:
    """undisturbed(config): a run of it that nothing happened to, carried out once per session."""
    runs: dict[str, Run] = {}

    def run_of(config: FinetuneConfig | DistillConfig) -> Run:
        name = to_yaml(config)
        if name not in runs:
            runs[name] = lab.start(config, Workspace(trained.folder.parents[1]))
        return runs[name]

    return run_of


@pytest.fixture
def restage(home: Workspace, pairs: PairTable) -> Callable[..., None]:
    """Change the data set in its place: restage(rows, column, values)."""

    def change(rows: Any, column: str, values: Any) -> None:
        frame = pairs.frame.copy()
        frame.loc[rows, column] = values
        replace(pairs, frame=frame).save(home.data_folder("invented"))

    return change


@pytest.fixture(scope="session")
def killer() -> Iterator[Callable[[Run, str, str, int], int]]:
    """killer(run, function, "before" or "after", n): carry the run out in a real child process
    that gets SIGKILL at the n-th call of that function; returns the child's exit status.
    """
    script = Path(__file__).with_name("child.py")
    server = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
    )
    assert server.stdin is not None
    assert server.stdout is not None
    asked, answered = server.stdin, server.stdout

    def kill(run: Run, function: str, when: str, count: int) -> int:
        asked.write(json.dumps([str(run.folder), function, when, count]) + "\n")
        asked.flush()
        return int(answered.readline())

    yield kill
    asked.close()
    server.wait()
    answered.close()
