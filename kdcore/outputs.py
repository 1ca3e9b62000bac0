"""Outputs: what every model says about a batch of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

FIELDS = ("logits", "features", "hidden_states", "attentions")


@dataclass(frozen=True)
class Outputs:
    """What a model says about a batch of pairs; names follow transformers, () is not asked.

    mask tells real tokens from padding where hidden_states or attentions were requested.
    """

    logits: Tensor  # (batch, classes)
    features: Tensor  # (batch, width), the pooled vector of the pair
    hidden_states: tuple[Tensor, ...] = ()  # a layer each, (batch, tokens, width)
    attentions: tuple[Tensor, ...] = ()  # a layer each, (batch, heads, tokens, tokens)
    mask: Tensor | None = None  # (batch, tokens), True where a token is real
