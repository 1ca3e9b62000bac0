"""The assistant of a residual distillation: a small model of its student's kind."""

import math
from dataclasses import replace
from typing import Any

from kdcore.catalog import BertParams, CdssmParams
from kdcore.config.groups import ModelConfig
from kdcore.objectives.params import ResidualParams


def assistant_of(student: ModelConfig, knobs: ResidualParams) -> ModelConfig:
    """The model that reads the same tokens as the student and is as large as the knobs say.

    That of a pretrained encoder is a BERT-n from a random start.
    """
    params = student.params
    if isinstance(params, CdssmParams):
        narrow = replace(params, filters=knobs.hidden, semantic=knobs.hidden)
        return ModelConfig(name=student.name, params=narrow)
    heads = math.gcd(getattr(params, "heads", 4), knobs.hidden)
    sizes: dict[str, Any] = {"layers": knobs.layers, "hidden": knobs.hidden, "heads": heads}
    sizes["inner"] = 0  # four times the width
    if student.name == "checkpoint":
        lengths = {name: getattr(params, name) for name in ("query_tokens", "ad_tokens", "dropout")}
        return ModelConfig(name="bert", params=BertParams(overlap=False, **lengths, **sizes))
    return ModelConfig(name=student.name, params=replace(params, **sizes))
