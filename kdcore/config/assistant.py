"""The assistant of a residual distillation: a small model of its student's kind."""

import math
from dataclasses import replace
from typing import Any

from kdcore.catalog import CdssmParams
from kdcore.config.groups import ModelConfig, short_name
from kdcore.objectives.params import ResidualParams

MOST_FRAMING = 40  # tokens that pretrained towers may read around a text: prompt, special tokens


def assistant_of(student: ModelConfig, knobs: ResidualParams) -> ModelConfig:
    """The model that reads the same tokens as the student and is as large as the knobs say.

    That of a pretrained encoder is a BERT-n or a TwinBERT from a random start.
    """
    params = student.params
    if isinstance(params, CdssmParams):
        narrow = replace(params, filters=knobs.hidden, semantic=knobs.hidden)
        return ModelConfig(name=student.name, params=narrow)
    heads = math.gcd(getattr(params, "heads", 4), knobs.hidden)
    sizes: dict[str, Any] = {"layers": knobs.layers, "hidden": knobs.hidden, "heads": heads}
    sizes["inner"] = 0  # four times the width
    if student.is_pretrained:
        same = ("query_tokens", "ad_tokens", "dropout", "shared", "combine")
        sizes |= {name: getattr(params, name) for name in same if hasattr(params, name)}
        if student.name == "checkpoint":
            sizes["overlap"] = False
        else:  # its texts come with prompts and special tokens
            sizes |= {name: sizes[name] + MOST_FRAMING for name in ("query_tokens", "ad_tokens")}
        return ModelConfig(name=short_name(student.name), params=sizes)
    return ModelConfig(name=student.name, params=replace(params, **sizes))
