"""One tower: a pretrained encoder, pooling, perhaps a dense layer and unit length."""

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdcore.models.packed import (
    Packed,
    embed,
    encode,
    encode_first,
    is_packable,
    pad_packed,
    padded,
    pool,
)
from kdcore.models.towers.reading import Reading

_PACKED = ("BertModel", "RobertaModel", "XLMRobertaModel")  # one arithmetic
_NARROWED = ("distilbert", "modernbert")  # besides them: positions do not depend on ids


class PretrainedTower(nn.Module):
    """One text -> one vector, as the encoder's sentence-transformers folder makes it.

    pads: whether texts are padded, because the encoder is not one that packed.py computes.
    """

    def __init__(self, encoder: Any, reading: Reading) -> None:
        super().__init__()
        encoder.pooler = None  # of BERT and its kin; no vector is made by it
        encoder.get_input_embeddings().padding_idx = None  # a narrowed table has no such row
        self.encoder, self.reading = encoder, reading
        self.pads = not is_packable(encoder, _PACKED)
        self.first = first_position(encoder)
        wide = int(encoder.config.hidden_size)
        self.dense = nn.Linear(wide, reading.dense, reading.bias) if reading.dense else None
        self.width = reading.dense or wide

    def forward(self, packed: Packed, products: torch.dtype) -> Tensor:
        """(sequences, width), one vector per text."""
        vectors = self._padded(packed, products) if self.pads else self._packed(packed, products)
        if self.dense is not None:
            vectors = self.dense(vectors)
            vectors = torch.tanh(vectors) if self.reading.activation else vectors
        return F.normalize(vectors, dim=1) if self.reading.normalize else vectors

    def table(self) -> nn.Embedding | None:
        """The table whose rows are token ids, where training may narrow it; else None."""
        if self.pads and self.encoder.config.model_type not in _NARROWED:
            return None
        words: nn.Embedding = self.encoder.get_input_embeddings()
        return words

    def _packed(self, packed: Packed, products: torch.dtype) -> Tensor:
        places = replace(packed, positions=packed.positions + self.first)
        x = embed(self.encoder.embeddings, places)
        if self.reading.pooling == "cls":
            return encode_first(self.encoder.encoder, x, packed, products)
        x = encode(self.encoder.encoder, x, packed.groups, products)
        if self.reading.pooling == "mean":
            mean: Tensor = pool(x, None, packed)
            return mean
        return pooled(*padded(x, packed.groups), self.reading.pooling)

    def _padded(self, packed: Packed, products: torch.dtype) -> Tensor:
        ids, _, mask = pad_packed(packed, 0)  # which token fills up is not read
        with torch.autocast(ids.device.type, products, products != torch.float32):
            hidden = self.encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return pooled(hidden.float(), mask, self.reading.pooling)


def pooled(hidden: Tensor, mask: Tensor, how: str) -> Tensor:
    """(texts, width) of (texts, tokens, width) vectors and the (texts, tokens) mask of real ones.

    how: cls, mean, max or last, as in sentence-transformers' Pooling.
    """
    if how == "cls":
        return hidden[:, 0]
    if how == "last":
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(dim=1) - 1]
    real = mask[..., None]
    if how == "max":
        return hidden.masked_fill(~real, -torch.inf).amax(dim=1)
    return (hidden * real).sum(dim=1) / real.sum(dim=1)


def first_position(encoder: Any) -> int:
    """The number of the first position: RoBERTa's begin after that of its padding."""
    padding = getattr(getattr(encoder, "embeddings", None), "padding_idx", None)
    return 0 if padding is None else int(padding) + 1
