"""Models that began as pretrained encoders of other families leave the lab and answer the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kdcore.config import ModelConfig
from kdcore.export.check import INVENTED
from kdcore.models.predict import answer_texts
from tests.models.pretrained.folders import encoder_folder, sentence_folder

from .conftest import Make, invented
from .test_layout import written

PARAMS = {"query_tokens": 8, "ad_tokens": 24}
PROMPTS = {"query": "find: ", "document": "offer: "}


def encoder(folder: Path, family: str) -> Path:
    """A folder of one of the architectures, whose tokenizer knows the invented pairs."""
    frame = invented().frame
    return encoder_folder(folder, family, [*frame["query"], *frame["title"], *PROMPTS.values()])


def assert_same(make: Make, folder: Path, config: ModelConfig, on: str = "") -> None:
    student, model = written(make, folder, config=config, on=on)
    ours = answer_texts(model, INVENTED).logits
    assert np.ptp(ours, axis=0).max() > 0.01
    np.testing.assert_allclose(student.logits(INVENTED), ours, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_a_checkpoint_student_answers_as_in_the_lab(
    make: Make, tmp_path: Path, family: str
) -> None:
    place = encoder(tmp_path / "encoder", family)
    config = ModelConfig(name="checkpoint", checkpoint=str(place), params=PARAMS)
    assert_same(make, tmp_path / "out", config)


@pytest.mark.parametrize(
    ("family", "name", "pooling", "more", "on"),
    [
        ("minilm", "pretrained_cos", "mean", {}, ""),
        ("xlm-r", "pretrained_res", "cls", {"shared": False}, ""),
        ("modernbert", "pretrained_res", "lasttoken", {"combine": "max"}, ""),
        ("distilbert", "pretrained_cos", "max", {}, "features"),
    ],
)
def test_pretrained_towers_answer_as_in_the_lab(
    make: Make, tmp_path: Path, family: str, name: str, pooling: str, more: Any, on: str
) -> None:
    dense = 12 if pooling == "mean" else 0
    place = encoder(tmp_path / "encoder", family)
    sentence_folder(place, pooling, dense=dense, normalize=pooling != "max", prompts=PROMPTS)
    config = ModelConfig(name=name, checkpoint=str(place), params=PARAMS | more)
    assert_same(make, tmp_path / "out", config, on)
