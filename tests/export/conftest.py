"""Runs whose models were never trained: to be kept, weights need not be good ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from kdcore.config import DistillConfig, FinetuneConfig, MethodConfig, ModelConfig, to_dict
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import FOUR_GRADES
from kdcore.models.base import PairModel
from kdcore.models.build import new_model, new_student
from kdcore.runs.store import Run, RunStore

torch.set_num_threads(1)

ENCODER = {"layers": 2, "hidden": 16, "heads": 2, "vocabulary": 300}
LENGTHS = {"query_tokens": 8, "ad_tokens": 24}
TOWER = ENCODER | LENGTHS
CDSSM = LENGTHS | {"buckets": 150, "filters": 12, "semantic": 8}
STUDENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", TOWER),
    "bert without marks": ("bert", TOWER | {"overlap": False}),
    "twin weighted": ("twinbert_cos", TOWER),
    "twin cls": ("twinbert_cos", TOWER | {"pooling": "cls"}),
    "twin mean, two towers": ("twinbert_cos", TOWER | {"pooling": "mean", "shared": False}),
    "twin trigrams": ("twinbert_cos", TOWER | {"units": "trigrams", "shared": False}),
    "twin trigrams cls": ("twinbert_cos", TOWER | {"units": "trigrams", "pooling": "cls"}),
    "twin residual": ("twinbert_res", TOWER | {"crossing": 24}),
    "twin residual max": ("twinbert_res", TOWER | {"crossing": 24, "combine": "max"}),
    "cdssm": ("cdssm", CDSSM),
    "cdssm shared": ("cdssm", CDSSM | {"shared": True}),
}

Make = Callable[..., Run]


def invented(scheme: Any = FOUR_GRADES) -> PairTable:
    """Pairs of invented queries in three splits."""
    things = ("red lamp", "kettle", "long sofa", "drum", "blue tent")
    rows = [
        (f"{thing} number {n}", f"buy a {offer}", f"offer {n} today", (n + i) % len(scheme))
        for n in range(6)
        for i, thing in enumerate(things)
        for offer in (thing, things[(i + n) % 5])
    ]
    query, title, description, grade = map(list, zip(*rows, strict=True))
    split = [("train", "validation", "test")[i % 3] for i in range(len(rows))]
    frame = make_frame(query, title, description, grade, split)
    return PairTable(frame, scheme, "invented", "Invented for a test.")


@torch.no_grad()
def stirred(model: PairModel) -> PairModel:
    """The model with weights large enough that every one of them has a say in the answers."""
    for name, weights in model.network().named_parameters():
        if not name.startswith(("crossing.scale", "crossing.first", "crossing.gaps")):
            noise = torch.randn_like(weights)
            weights.copy_(0.3 * noise if weights.dim() > 1 else weights + 0.1 * noise)
    return model.eval()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """make(kind, pairs=..., on=...): a finished run with an untrained model.

    on: what an assistant of the model corrects; empty for a model without one.
    """

    def made(
        kind: str = "twin weighted", pairs: PairTable | None = None, on: str = "", **about: Any
    ) -> Run:
        told = pairs if pairs is not None else invented()
        data = tmp_path / "home" / "data" / "invented"
        if not data.exists():
            told.save(data)
        name, params = STUDENTS.get(kind, (kind, about.pop("params", {})))
        config = about.pop("config", None) or ModelConfig(name=name, params=params)
        settings = to_dict(FinetuneConfig(model=config, data="invented")) | about
        run = RunStore(tmp_path / "home" / "runs").create(settings, title="A small one")
        model = new_model(config, told, seed=3)
        if on:
            method = MethodConfig(name="residual", params={"on": on, "hidden": 12})
            distillation = DistillConfig(teacher="t", student=config, method=method, seed=3)
            model = new_student(distillation, told)
            stirred(model.assistant)
        stirred(getattr(model, "student", model))
        model.save(run.model_folder)
        status = json.loads((run.folder / "status.json").read_text())
        (run.folder / "status.json").write_text(json.dumps(status | {"state": "finished"}))
        return run

    return made
