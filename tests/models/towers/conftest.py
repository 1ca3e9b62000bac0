"""Folders of encoders that know the words of the pairs, and towers made of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kdcore.config import ModelConfig
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import LabelScheme
from kdcore.models.build import new_model
from kdcore.models.towers.model import PretrainedTowers
from tests.models.pretrained.folders import encoder_folder

QUERIES = ["red shoes", "garden hose", "led lamp for the garden", "a"]
ADS = ["Red running shoes", "Led lamp", "Garden hose", "a blue tent, a lamp and shoes"]
TEXTS = [*QUERIES, *ADS, "query: passage: cheap"]
PAIRS = PairTable(
    make_frame(QUERIES, ADS, ["cheap"] * 4, [1, 0, 0, 1], "train"),
    LabelScheme(("bad", "good"), 1),
    "few",
)


@pytest.fixture
def craft(tmp_path: Path) -> Callable[..., Path]:
    """craft(architecture, **config): a folder whose tokenizer learned from the pairs."""

    def make(architecture: str = "bert", **about: object) -> Path:
        return encoder_folder(tmp_path / architecture, architecture, TEXTS, **about)

    return make


def load(folder: Path, kind: str = "twinbert_cos", seed: int = 0, **knobs: object):
    """Towers that start from a folder, in eval mode; layers_from is a setting beside the knobs."""
    more = {"layers_from": knobs.pop("layers_from", ())}
    spec = ModelConfig.parse(f"{kind}:from={folder}")
    config = ModelConfig(name=spec.name, checkpoint=str(folder), params=knobs, **more)
    model = new_model(config, PAIRS, seed).eval()
    assert isinstance(model, PretrainedTowers)
    return model
