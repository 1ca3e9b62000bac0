"""A workspace in which runs can be planned and no model is ever loaded."""

import json
from pathlib import Path
from typing import Any

from kdcore.config import DistillConfig, FinetuneConfig, ModelConfig, TrainingConfig, to_dict
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY
from kdcore.runs.record import Record
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace

SMALL = "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=200"


def some_pairs(train: int = 48, log: int = 0, bare: int = 0, unseen: int = 0) -> PairTable:
    """Invented pairs, four ads a query; those of the log have no grade.

    bare, unseen: how many of the first pairs of train and of validation have none either.
    """
    without = {"train": bare, "validation": unseen, "log": log}
    sizes = {"train": train, "validation": 16, "test": 24, "log": log}
    rows = [
        (
            f"lamp number {split} {n // 4}",
            f"buy a lamp {n}",
            "",
            -1 if n < without.get(split, 0) else n % 2,
        )
        for split, size in sizes.items()
        for n in range(size)
    ]
    splits = [split for split, size in sizes.items() for _ in range(size)]
    query, title, description, grade = map(list, zip(*rows, strict=True))
    return PairTable(make_frame(query, title, description, grade, splits), BINARY, "invented")


def planned(folder: Path, **sizes: int) -> tuple[Workspace, Run]:
    """A workspace with the data set `invented` and a run that looks like a finished teacher."""
    workspace = Workspace(folder)
    some_pairs(**sizes).save(workspace.data_folder("invented"))
    return workspace, pretended(workspace, FinetuneConfig(data="invented"))


def pretended(workspace: Workspace, config: Any, epochs: float | None = None, **about: Any) -> Run:
    """A run that says it is finished, with a card where its model would lie.

    epochs: how far its metrics say it came; all of them unless told. about: of its status.
    """
    run = RunStore(workspace.runs).create(to_dict(config))
    run.model_folder.mkdir()
    (run.model_folder / "kdlab.json").write_text("{}")
    (run.model_folder / "model.safetensors").write_bytes(b"weights of " + run.id.encode())
    done = config.training.epochs if epochs is None else epochs
    line = {"step": 4, "time": 1.0, "epoch": done, "loss": 0.5, "pairs_per_second": 100.0}
    (run.folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    state = {"state": "finished", "created": run.created, "step": 4, "total_steps": 4}
    Record(**{**state, **about}).write(run.folder)  # type: ignore[arg-type]
    return Run.load(run.folder)


def distillation(teacher: Run, **changes: Any) -> DistillConfig:
    """A small distillation by that teacher."""
    usual: dict[str, Any] = {"data": "invented", "student": ModelConfig.parse(SMALL)}
    usual["training"] = TrainingConfig(epochs=2, batch_size=8)
    return DistillConfig(teacher=teacher.id, **{**usual, **changes})
