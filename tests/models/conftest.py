"""Tiny models of every kind, built once; torch on one thread."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from kdcore.config import ModelConfig
from kdcore.data.pairs import PairTable
from kdcore.models.base import PairModel
from kdcore.models.build import new_model

torch.set_num_threads(1)

CPU = torch.device("cpu")
ENCODER = {"layers": 2, "hidden": 16, "heads": 2, "vocabulary": 300}
LENGTHS = {"query_tokens": 8, "ad_tokens": 24}
STUDENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", ENCODER | LENGTHS),
    "twin weighted": ("twinbert_cos", ENCODER | LENGTHS),
    "twin cls": ("twinbert_cos", ENCODER | LENGTHS | {"pooling": "cls"}),
    "twin mean, two towers": (
        "twinbert_cos",
        ENCODER | LENGTHS | {"pooling": "mean", "shared": False},
    ),
    "twin trigrams": ("twinbert_cos", ENCODER | LENGTHS | {"units": "trigrams"}),
    "twin trigrams, two towers": (
        "twinbert_cos",
        ENCODER | LENGTHS | {"units": "trigrams", "shared": False},
    ),
    "twin residual": ("twinbert_res", ENCODER | LENGTHS | {"crossing": 24}),
    "twin residual max": ("twinbert_res", ENCODER | LENGTHS | {"crossing": 24, "combine": "max"}),
    "cdssm": ("cdssm", LENGTHS | {"buckets": 150, "filters": 12, "semantic": 8}),
    "cdssm shared": (
        "cdssm",
        LENGTHS | {"buckets": 150, "filters": 12, "semantic": 8, "shared": True},
    ),
}


def tiny(kind: str, pairs: PairTable, **more: Any) -> PairModel:
    """An untrained model of STUDENTS with some knobs changed."""
    name, params = STUDENTS[kind]
    return new_model(ModelConfig(name=name, params=params | more), pairs, seed=1)


@pytest.fixture(params=STUDENTS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def student(kind: str, pairs4: PairTable) -> PairModel:
    """Each kind of student in turn, four grades, in eval mode."""
    return tiny(kind, pairs4).eval()


@pytest.fixture
def make() -> Callable[..., PairModel]:
    """tiny(kind, pairs, **knobs)."""
    return tiny
