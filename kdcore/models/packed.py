"""The fast path of a BERT encoder: sequences laid end to end, no padding, products in bf16.

The weights are those of transformers' own BertModel, so what is trained here loads there; the
results equal the plain model's to 1e-5 in fp32 (tests/models/test_packed.py). Three things make
it fast: real tokens only (padding is 60 % of a padded batch of short texts), attention by groups
of equal length (views, no mask), and products in bf16 where the hardware multiplies it while
weights, sums and the residual stream stay fp32. And one keeps it fast: the number of tokens is
rounded up, because a CPU's matrix library compiles a kernel for every new shape, which takes
longer than the product itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

ROUND_TO = 64  # tokens; fewer shapes, hence fewer kernels to compile
Groups = tuple[tuple[int, int], ...]  # (length, count) of each run of sequences of one length


@dataclass(frozen=True)
class Packed:
    """The sequences of a batch end to end, shortest first, then a few spare tokens.

    ids, positions, segments: (tokens,) int64. starts: (sequences,) first token of each.
    groups: (length, count) of each run of sequences of one length, in order; the spare tokens are
    a last run of length 1, which nothing reads.
    """

    ids: Tensor
    positions: Tensor
    segments: Tensor
    starts: Tensor
    groups: Groups

    def to(self, device: torch.device) -> "Packed":
        """The same on a device."""
        return Packed(
            self.ids.to(device, non_blocking=True),
            self.positions.to(device, non_blocking=True),
            self.segments.to(device, non_blocking=True),
            self.starts.to(device, non_blocking=True),
            self.groups,
        )


def pack(
    ids: NDArray[np.int64], lengths: NDArray[np.int64], segments: NDArray[np.int64] | None = None
) -> Packed:
    """From flat ids of sequences that stand shortest first; lengths: (sequences,) at least 1."""
    starts = np.cumsum(lengths) - lengths
    spare = -len(ids) % ROUND_TO
    positions = np.arange(len(ids)) - np.repeat(starts, lengths)
    values, counts = np.unique(lengths, return_counts=True)
    groups = list(zip(values.tolist(), counts.tolist(), strict=True))
    return Packed(
        ids=_spared(ids, spare),
        positions=_spared(positions, spare),
        segments=_spared(np.zeros_like(ids) if segments is None else segments, spare),
        starts=torch.from_numpy(starts),
        groups=(*groups, (1, spare)) if spare else tuple(groups),
    )


def _spared(values: NDArray[np.int64], spare: int) -> Tensor:
    return torch.from_numpy(np.concatenate([values, np.zeros(spare, dtype=np.int64)]))


def is_packable(encoder: nn.Module, kinds: Sequence[str] = ("BertModel",)) -> bool:
    """Whether this encoder's arithmetic is the one written here: BERT, absolute positions, GELU.

    kinds: classes of transformers that compute as BERT does.
    """
    config: Any = getattr(encoder, "config", None)
    return (
        type(encoder).__name__ in kinds
        and getattr(config, "hidden_act", "") == "gelu"
        and getattr(config, "position_embedding_type", "absolute") == "absolute"
        and not getattr(config, "is_decoder", False)
    )


def embed(embeddings: Any, packed: Packed) -> Tensor:
    """(tokens, width) of BertEmbeddings for packed tokens."""
    # not the module's call: its padding row gets no gradient, and here no token is padding
    x = (
        F.embedding(packed.ids, embeddings.word_embeddings.weight)
        + embeddings.position_embeddings(packed.positions)
        + embeddings.token_type_embeddings(packed.segments)
    )
    return _dropout(_norm(embeddings.LayerNorm, x), embeddings.dropout)


def encode(encoder: Any, x: Tensor, groups: Groups, dtype: torch.dtype) -> Tensor:
    """(tokens, width) after every block of a BertEncoder; dtype is that of the products."""
    for layer in encoder.layer:
        x = _block(layer, x, groups, dtype)
    return x


def encode_first(encoder: Any, x: Tensor, packed: Packed, dtype: torch.dtype) -> Tensor:
    """(sequences, width) of each sequence's first token after every block.

    Where only [CLS] is read, the last block needs its keys and values of every token, the rest of
    its work for the first tokens alone.
    """
    *blocks, last = encoder.layer
    for layer in blocks:
        x = _block(layer, x, packed.groups, dtype)
    own = last.attention.self
    first = x[packed.starts]
    keys_values = fused(x, dtype, own.key, own.value)
    query = _linear(own.query, first.to(dtype))
    context = attend_first(query, keys_values, packed.groups, own.num_attention_heads)
    return after_attention(last, first, context)


def encode_some(
    encoder: Any, x: Tensor, groups: Groups, tokens: Tensor, dtype: torch.dtype
) -> Tensor:
    """(len(tokens), width) of these tokens of the pack after every block.

    What comes after the attention of the last block is computed for these alone.
    """
    *blocks, last = encoder.layer
    for layer in blocks:
        x = _block(layer, x, groups, dtype)
    return after_attention(last, x[tokens], _attended(last, x, groups, dtype)[tokens])


def _block(layer: Any, x: Tensor, groups: Groups, dtype: torch.dtype) -> Tensor:
    return after_attention(layer, x, _attended(layer, x, groups, dtype))


def _attended(layer: Any, x: Tensor, groups: Groups, dtype: torch.dtype) -> Tensor:
    own = layer.attention.self
    qkv = fused(x, dtype, own.query, own.key, own.value)
    return attend(qkv, groups, own.num_attention_heads)


def fused(x: Tensor, dtype: torch.dtype, *layers: nn.Linear) -> Tensor:
    """(tokens, len(layers) * width): several projections of the same vectors as one product."""
    weight = torch.cat([layer.weight for layer in layers]).to(dtype)
    bias = torch.cat([layer.bias for layer in layers]).to(dtype)
    return F.linear(x.to(dtype), weight, bias)


def after_attention(layer: Any, x: Tensor, context: Tensor) -> Tensor:
    """The rest of a block for some of its tokens; context has the type of the products."""
    output = layer.attention.output
    x = _norm(
        output.LayerNorm, x + _dropout(_linear(output.dense, context), output.dropout).float()
    )
    inner = F.gelu(_linear(layer.intermediate.dense, x.to(context.dtype)))
    outer = _dropout(_linear(layer.output.dense, inner), layer.output.dropout).float()
    return _norm(layer.output.LayerNorm, x + outer)


def attend(qkv: Tensor, groups: Groups, heads: int) -> Tensor:
    """(tokens, width) of multi-head attention inside each sequence; qkv: (tokens, 3 * width)."""
    width = qkv.shape[1] // 3
    if qkv.is_cuda:
        return _attend_padded(qkv, groups, heads)
    out = []
    for part, (length, count) in zip(_split(qkv.float(), groups), groups, strict=True):
        q, k, v = part.view(count, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        # fp32: on a CPU this call needs no kernel compiled for each shape, products in bf16 do
        context = F.scaled_dot_product_attention(q, k, v)
        out.append(context.transpose(1, 2).reshape(count * length, width))
    return torch.cat(out).to(qkv.dtype)


def attend_first(query: Tensor, keys_values: Tensor, groups: Groups, heads: int) -> Tensor:
    """(sequences, width) of the first tokens' attention over their sequence.

    query: (sequences, width), keys_values: (tokens, 2 * width).
    """
    sequences, width = query.shape
    if query.is_cuda:
        rows, mask = padded(keys_values, groups)
        k, v = rows[:sequences].view(sequences, -1, 2, heads, width // heads).permute(2, 0, 3, 1, 4)
        q = query.view(sequences, 1, heads, -1).transpose(1, 2)
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:sequences, None, None, :])
        return context.transpose(1, 2).reshape(sequences, width)
    real = groups if sum(count for _, count in groups) == sequences else groups[:-1]
    queries = torch.split(query.float(), [count for _, count in real])
    out = []
    for q, part, (length, count) in zip(
        queries, _split(keys_values.float(), groups), real, strict=False
    ):
        k, v = part.view(count, length, 2, heads, width // heads).permute(2, 0, 3, 1, 4)
        q = q.view(count, 1, heads, width // heads).transpose(1, 2)
        out.append(F.scaled_dot_product_attention(q, k, v).reshape(count, width))
    return torch.cat(out).to(query.dtype)


def _attend_padded(qkv: Tensor, groups: Groups, heads: int) -> Tensor:
    """attend for a GPU, where one padded call beats one small call a length."""
    rows, mask = padded(qkv, groups)
    q, k, v = rows.view(*rows.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
    context = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
    return context.transpose(1, 2).flatten(2)[places(groups, qkv.device)]


def padded(x: Tensor, groups: Groups) -> tuple[Tensor, Tensor]:
    """(sequences, longest, width) and its (sequences, longest) mask, spare tokens last."""
    taken = places(groups, x.device)
    sequences, longest = sum(count for _, count in groups), max(groups)[0]
    rows, mask = x.new_zeros(sequences, longest, x.shape[1]), x.new_zeros(sequences, longest)
    rows[taken], mask[taken] = x, 1
    return rows, mask.bool()


def pad_packed(packed: Packed, pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """For models that need it: (sequences, longest) ids, segments and mask of real tokens."""
    rows, columns = places(packed.groups, packed.ids.device)
    real = rows < len(packed.starts)  # the spare tokens come after
    rows, columns = rows[real], columns[real]
    shape = (len(packed.starts), max(packed.groups)[0])
    ids = packed.ids.new_full(shape, pad_id)
    segments, mask = packed.ids.new_zeros(shape), packed.ids.new_zeros(shape, dtype=torch.bool)
    ids[rows, columns] = packed.ids[: len(rows)]
    segments[rows, columns] = packed.segments[: len(rows)]
    mask[rows, columns] = True
    return ids, segments, mask


def places(groups: Groups, device: torch.device) -> tuple[Tensor, Tensor]:
    """(tokens,) the sequence of each token and its place in it; no question to the GPU."""
    lengths = np.repeat([length for length, _ in groups], [count for _, count in groups])
    rows = np.repeat(np.arange(len(lengths)), lengths)
    columns = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return (
        torch.from_numpy(rows).to(device, non_blocking=True),
        torch.from_numpy(columns).to(device, non_blocking=True),
    )


def pool(x: Tensor, weights: Tensor | None, packed: Packed) -> Tensor:
    """(sequences, width): the mean of each sequence's tokens, or their softmax-weighted sum.

    Rows beyond the real sequences belong to spare tokens.
    weights: (tokens,) before the softmax, or None for the mean.
    """
    out = []
    parts = _split(x, packed.groups)
    shares = [None] * len(parts) if weights is None else _split(weights, packed.groups)
    for part, share, (length, count) in zip(parts, shares, packed.groups, strict=True):
        tokens = part.view(count, length, -1)
        if share is None:
            out.append(tokens.mean(dim=1))
        else:
            out.append((share.view(count, length).softmax(dim=1)[..., None] * tokens).sum(dim=1))
    return torch.cat(out)


def _split(x: Tensor, groups: Groups) -> tuple[Tensor, ...]:
    """A part for each group; unlike slices, its backward is one concatenation."""
    return torch.split(x, [length * count for length, count in groups])


def product_type(precision: str, device: torch.device) -> torch.dtype:
    """bf16 where asked for, or where `auto` finds hardware that multiplies it; else fp32."""
    if precision == "auto":
        precision = "bf16" if _multiplies_bf16(device) else "fp32"
    return torch.bfloat16 if precision == "bf16" else torch.float32


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return F.linear(x, layer.weight.to(x.dtype), layer.bias.to(x.dtype))


def _norm(layer: nn.LayerNorm, x: Tensor) -> Tensor:
    return F.layer_norm(x, layer.normalized_shape, layer.weight, layer.bias, layer.eps)


def _dropout(x: Tensor, layer: nn.Dropout) -> Tensor:
    """Dropout from random bytes: shares in 1/256ths, at a quarter of the cost on a CPU."""
    if not layer.training or layer.p == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, layer.p)
    threshold = round(layer.p * 256)
    words = torch.randint(-(2**63), 2**63 - 1, ((x.numel() + 7) // 8,))
    mask = words.view(torch.uint8)[: x.numel()].view_as(x) >= threshold
    return x * mask.to(x.dtype).mul_(256 / (256 - threshold))
