"""Outputs: what every model returns for a batch of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

FIELDS = ("logits", "features", "hidden_states", "attentions")


@dataclass(frozen=True)
class Outputs:
    """A model's output for a batch of pairs; names follow transformers, () was not requested.

    mask separates real tokens from padding where hidden_states or attentions were requested.
    """

    logits: Tensor  # (batch, classes)
    features: Tensor  # (batch, width), the pooled vector of the pair
    hidden_states: tuple[Tensor, ...] = ()  # one per layer, (batch, tokens, width)
    attentions: tuple[Tensor, ...] = ()  # one per layer, (batch, heads, tokens, tokens)
    mask: Tensor | None = None  # (batch, tokens), True where a token is real
