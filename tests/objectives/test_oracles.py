"""Our losses equal those of public packages to 1e-6; oracles/make.py wrote their values."""

import json
from pathlib import Path

import pytest
import torch

from kdcore.objectives.feature import cosine, l2
from kdcore.objectives.ranking import adr_mse, list_kl, margin_mse, plackett_luce, ranknet
from kdcore.objectives.relation import angle_loss, distance_loss
from kdcore.objectives.response import dist, soft_cross_entropy, standardized_kl
from tests.objectives.oracles.draws import LISTS, LOGITS, MASK, SIZES, TOKENS, VECTORS

VALUES = json.loads((Path(__file__).parent / "oracles" / "values.json").read_text())
REAL = torch.arange(6) < torch.tensor(SIZES)[:, None]
PADDED = (*LISTS, REAL)  # what stands in the padding is noise: the losses must not read it
FULL = (*LISTS, torch.ones_like(REAL))
PAIRS = tuple(x[:, :2] for x in FULL)
FIRST = tuple(x[:, 0] for x in TOKENS)
OURS = {
    "textbrewer hid_mse": lambda: l2(*TOKENS, MASK),
    "textbrewer hid_mse pooled": lambda: l2(*FIRST),
    "textbrewer cos": lambda: cosine(*TOKENS, MASK),
    "textbrewer cos pooled": lambda: cosine(*FIRST),
    "textbrewer kd_ce at 3": lambda: soft_cross_entropy(*LOGITS, 3.0) / 9,  # theirs has no T²
    "torchdistill dist at 1": lambda: dist(*LOGITS, 1.0, within=2.0),
    "torchdistill dist at 2": lambda: dist(*LOGITS, 2.0, within=2.0),
    "torchdistill standardized at 2": lambda: standardized_kl(*LOGITS, 2.0),
    "torchdistill distance": lambda: distance_loss(*VECTORS),
    "torchdistill angle": lambda: angle_loss(*VECTORS),
    "sentence-transformers adr_mse": lambda: adr_mse(*PADDED),
    "sentence-transformers adr_mse, alpha 2": lambda: adr_mse(*PADDED, alpha=2.0),
    "sentence-transformers ranknet": lambda: ranknet(*PADDED),
    "sentence-transformers list_mle": lambda: plackett_luce(*PADDED),
    "sentence-transformers list_kl at 1": lambda: list_kl(*FULL),
    "sentence-transformers list_kl at 2": lambda: list_kl(*FULL, 2.0),
    "sentence-transformers list_kl at 2 and 3": lambda: list_kl(*FULL, 2.0, 3.0),
    "sentence-transformers margin_mse": lambda: margin_mse(*PAIRS),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_loss_equals_the_one_of_a_public_package(name):
    assert OURS[name]().item() == pytest.approx(VALUES[name], rel=1e-6)
