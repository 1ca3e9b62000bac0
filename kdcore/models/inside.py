"""What is inside a packed BERT: states, attention maps, queries, keys and values of its layers.

As in packed.py the dense layers see real tokens only; what is handed out is padded and in the order
of the pairs. It equals what transformers' own model gives (tests/models/test_inside.py).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, overload

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kdcore.models.packed import Packed, after_attention, attend, attend_first, embed, fused, places

LOWEST = -1e30  # a score that no token is attended to with; not -inf, which gives nan in padding


class Lazy(Sequence[Tensor]):
    """Tensors that are computed when they are read; most losses read few layers."""

    def __init__(self, makers: Sequence[Callable[[], Tensor]]) -> None:
        self._makers = makers

    def __len__(self) -> int:
        return len(self._makers)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...

    @overload
    def __getitem__(self, index: slice) -> "Lazy": ...

    def __getitem__(self, index: int | slice) -> "Tensor | Lazy":
        makers = self._makers[index]
        return Lazy(makers) if isinstance(makers, Sequence) else makers()


@dataclass(frozen=True)
class Inside:
    """Fields as those of Outputs. first: (batch, width) the first tokens after the last layer."""

    first: Tensor
    mask: Tensor
    cls_states: Sequence[Tensor]
    hidden_states: Sequence[Tensor]
    attentions: Sequence[Tensor]
    projections: Sequence[Tensor]


class Padding:
    """The place of each real token of a pack in (batch, longest).

    rows: (batch,) the sequence of each pair; every sequence belongs to one pair. mask: (batch,
    longest), True where a token is real.
    """

    def __init__(self, packed: Packed, rows: Tensor) -> None:
        batch = len(packed.starts)
        lengths = np.repeat(*np.array(packed.groups).T)[:batch]  # the spare tokens come after
        self.shape, count = (batch, int(lengths[-1])), int(lengths.sum())
        self.rows, self.groups = rows, packed.groups
        sequences, columns = places(packed.groups, packed.ids.device)
        pairs = rows.argsort()  # of each sequence
        self.places = pairs[sequences[:count]] * self.shape[1] + columns[:count]
        real = packed.ids.new_zeros(math.prod(self.shape)).index_fill(0, self.places, 1)
        self.mask = real.bool().view(self.shape)

    def pad(self, x: Tensor) -> Tensor:
        """(tokens, width) -> (batch, longest, width) in fp32, 0 where no token is."""
        real = x[: len(self.places)].float()
        padded = real.new_zeros(math.prod(self.shape), x.shape[1]).index_copy(0, self.places, real)
        return padded.view(*self.shape, -1)

    def attention_map(self, vectors: Tensor, heads: int) -> Tensor:
        """(batch, heads, longest, longest) of a layer; rows of real tokens sum to 1 over these.

        vectors: (tokens, 3 * width) its queries, keys and values.
        """
        both = vectors[:, : vectors.shape[1] // 3 * 2]
        if vectors.is_cuda:  # one padded call beats one small call for each length
            scores = _scores(self.pad(both), heads)
            scores = scores.masked_fill(~self.mask[:, None, None, :], LOWEST)
        else:
            parts = torch.split(both.float(), [length * count for length, count in self.groups])
            small = []
            for part, (length, count) in zip(parts, self.groups, strict=True):
                own, spare = _scores(part.view(count, length, -1), heads), self.shape[1] - length
                small.append(F.pad(own, (0, spare, 0, spare), value=LOWEST))
            scores = torch.cat(small)[self.rows]
        return (scores / math.sqrt(both.shape[1] / 2 / heads)).softmax(dim=-1)

    def projections(self, vectors: Tensor) -> Tensor:
        """(3, batch, longest, width) queries, keys and values of a layer."""
        return self.pad(vectors).view(*self.shape, 3, -1).permute(2, 0, 1, 3)


def look_inside(
    encoder: Any, packed: Packed, rows: Tensor, dtype: Any, wants: frozenset[str]
) -> Inside:
    """Run a packable BertModel; rows: (batch,) the sequence of each pair, dtype: of the products.

    Without hidden_states only the first tokens are read after the last layer, so that most of its
    work is left out.
    """
    padding, firsts = Padding(packed, rows), packed.starts[rows]
    x = embed(encoder.embeddings, packed)
    first, states, projected = [x[firsts]], [x], []
    for layer in encoder.encoder.layer:
        own, width = layer.attention.self, x.shape[1]
        vectors = fused(x, dtype, own.query, own.key, own.value)
        if layer is encoder.encoder.layer[-1] and "hidden_states" not in wants:
            query, keys_values = vectors[packed.starts, :width], vectors[:, width:]
            context = attend_first(query, keys_values, packed.groups, own.num_attention_heads)
            first.append(after_attention(layer, first[-1], context[rows]))
        else:
            context = attend(vectors, packed.groups, own.num_attention_heads)
            x = after_attention(layer, x, context)
            first.append(x[firsts])
            states.append(x)
        projected.append(vectors)
    heads = encoder.config.num_attention_heads
    lazy = {
        "hidden_states": [partial(padding.pad, x) for x in states],
        "attentions": [partial(padding.attention_map, v, heads) for v in projected],
        "projections": [partial(padding.projections, v) for v in projected],
    }
    return Inside(
        first=first[-1],
        mask=padding.mask,
        cls_states=first if "cls_states" in wants else (),
        **{name: Lazy(makers) if name in wants else () for name, makers in lazy.items()},
    )


def _scores(queries_keys: Tensor, heads: int) -> Tensor:
    """(batch, heads, tokens, tokens) of (batch, tokens, 2 * width), before the scale."""
    q, k = queries_keys.view(*queries_keys.shape[:2], 2, heads, -1).permute(2, 0, 3, 1, 4)
    return torch.matmul(q, k.transpose(2, 3))
