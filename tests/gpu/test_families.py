"""Every family of distillation on a CUDA device: `pytest -m gpu`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from kdcore import lab
from kdcore.config import DistillConfig, FinetuneConfig, ModelConfig, TermConfig, TrainingConfig
from kdcore.workspace import Workspace

pytestmark = pytest.mark.gpu

DEVICE = "cuda"
WORLD = "world:seed=1,log=0,train=2000,validation=400,test=400"
SMALL = "layers=2,hidden=64,heads=2,vocabulary=1000,dropout=0"
TEACHER = f"bert:{SMALL}"
TOWERS = f"twinbert_cos:{SMALL}"
FAMILIES = {  # student, terms beside response, who teaches where it is not one run
    "response": (TOWERS, ()),
    "feature": (TOWERS, ("feature",)),
    "feature of every token": (TEACHER, ("feature:on=tokens",)),
    "relation": (TOWERS, ("relation",)),
    "ranking": (TOWERS, ("ranking",)),
    "ranking, list by list": (TOWERS, ("ranking:loss=list_kl",)),
    "internal": (TEACHER, ("internal",)),
    "internal, stacked": (TEACHER, ("internal:schedule=stacked,stage_epochs=0.25",)),
    "internal, MiniLMv2": (TEACHER, ("internal:loss=minilm",)),
    "residual": (TOWERS, ("residual",)),
    "ensemble": (TOWERS, (), "ensemble:{0}+{1}"),
    "born again": (TOWERS, (), "born_again:generations=2"),
    "its own average": (TOWERS, (), "ema"),
    "online": (TOWERS, (), f"peer:{TOWERS.replace(',', '%2C')}"),
}


@pytest.fixture(scope="module", autouse=True)
def _needs_a_gpu() -> None:
    if DEVICE == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device is here")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder: Path = tmp_path_factory.mktemp("families")
    return Workspace(folder)


def training(epochs: int) -> TrainingConfig:
    return TrainingConfig(
        epochs=epochs, batch_size=128, learning_rate=1e-3, precision="fp32", log_every=1
    )


@pytest.fixture(scope="module")
def teachers(home: Workspace) -> list[str]:
    model = ModelConfig.parse(TEACHER)
    config = FinetuneConfig(data=WORLD, model=model, training=training(2), device=DEVICE)
    return [lab.start(replace(config, seed=seed), home).id for seed in (0, 1)]


def losses(teachers: list[str], home: Workspace, family: str, device: str) -> list[dict[str, Any]]:
    """The curve of each term, step by step."""
    student, terms, *who = FAMILIES[family]
    config = DistillConfig(
        teacher=(who[0] if who else "{0}").format(*teachers),
        hard_weight=1.0,
        data=WORLD,
        student=ModelConfig.parse(student),
        terms=tuple(map(TermConfig.parse, terms)),
        training=training(4),
        device=device,
    )
    return [line for line in lab.start(config, home).metrics() if "loss" in line]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_begins_as_on_the_cpu_and_learns(
    family: str, teachers: list[str], home: Workspace
) -> None:
    """The first loss is of the same weights and pairs, so only rounding may differ."""
    here, there = (losses(teachers, home, family, device) for device in ("cpu", DEVICE))
    curves = here[0].keys() - {"step", "time", "epoch", "pairs_per_second", "memory_mb"}
    assert curves >= {"loss", *(TermConfig.parse(term).method for term in FAMILIES[family][1])}
    for curve in curves:
        assert there[0][curve] == pytest.approx(here[0][curve], rel=1e-3, abs=1e-4), curve
    ends = [sum(line["hard"] for line in part) for part in (there[:4], there[-4:])]
    assert ends[1] < ends[0]
