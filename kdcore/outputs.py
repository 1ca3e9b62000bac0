"""Outputs: what every model returns for a batch of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

FIELDS = ("logits", "features", "cls_states", "hidden_states", "attentions", "projections")


@dataclass(frozen=True)
class Outputs:
    """A model's output for a batch of pairs; names follow transformers, () was not requested.

    mask separates real tokens from padding where anything per token was requested. queries and
    grades are facts of the batch, which the recipe adds to the teacher's Outputs for the objectives
    that compare the ads of one query, or treat the labelled grade apart.
    """

    logits: Tensor  # (batch, classes)
    features: Tensor  # (batch, width), the pooled vector of the pair
    cls_states: Sequence[Tensor] = ()  # one per layer, (batch, width): the first token's state
    hidden_states: Sequence[Tensor] = ()  # one per layer, (batch, tokens, width)
    attentions: Sequence[Tensor] = ()  # one per layer, (batch, heads, tokens, tokens)
    projections: Sequence[Tensor] = ()  # one per layer, (3, batch, tokens, width): q, k and v
    mask: Tensor | None = None  # (batch, tokens), True where a token is real
    queries: Tensor | None = None  # (batch,) the query of each pair; -1 belongs to no list
    grades: Tensor | None = None  # (batch,) hard labels, -1 where a pair has none
