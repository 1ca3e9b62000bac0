"""What two models attend to in one pair, and how far apart each pair of their heads is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kdcore.data.pairs import UNLABELLED, PairTable, make_frame
from kdcore.errors import DataError
from kdcore.models.base import PairModel
from kdcore.models.batches import Batch
from kdcore.models.bert import CrossEncoder
from kdcore.models.packed import pad_packed
from kdcore.objectives.base import Shape
from kdcore.objectives.internal import attention_kl, objective
from kdcore.outputs import Outputs

_GOES_ON = "##"  # a word piece that continues the word before it


@dataclass(frozen=True)
class AttentionMaps:
    """A model's attention on one pair.

    tokens: what it read, the special ones included. maps: (layers, heads, tokens, tokens) float64,
    row by row where a token looks; each row sums to 1. width: of a token's vector. projections:
    (layers, 3, tokens, width) queries, keys and values; None where they are not known.
    """

    tokens: tuple[str, ...]
    maps: NDArray[np.float64]
    width: int
    projections: NDArray[np.float64] | None = None

    def by_words(self) -> "AttentionMaps":
        """The same over whole words: attention to a word's pieces summed, from them averaged.

        Clark et al. 2019 (arXiv:1906.04341), section 4.1; each row still sums to 1.
        """
        starts = [i for i, token in enumerate(self.tokens) if not token.startswith(_GOES_ON)]
        sizes = np.diff([*starts, len(self.tokens)])
        summed = np.add.reduceat(self.maps, starts, axis=3)
        means = np.add.reduceat(summed, starts, axis=2) / sizes[:, None]
        ends = [*starts[1:], len(self.tokens)]
        words = tuple(
            "".join(piece.removeprefix(_GOES_ON) for piece in self.tokens[start:end])
            for start, end in zip(starts, ends, strict=True)
        )
        return AttentionMaps(words, means, self.width)


@torch.inference_mode()
def attention_maps(model: PairModel, text: tuple[str, str, str]) -> AttentionMaps:
    """What a cross-encoder attends to in a (query, title, description).

    DataError for a model that does not read query and ad together.
    """
    if not isinstance(model, CrossEncoder):
        raise DataError("two towers read query and ad apart: none of their tokens sees the other's")
    query, title, description = ([each] for each in text)
    frame = make_frame(query, title, description, [UNLABELLED])
    batch = model.batch(model.read(PairTable(frame, model.scheme, "shown")), np.arange(1))
    kernels = model.net.config._attn_implementation
    training = model.training
    model.eval()
    try:
        outputs = _inside(model, batch)
    finally:  # others score with this model, too, and faster with the fused kernels
        model.net.set_attn_implementation(kernels)
        model.train(training)
    tokenizer = model.units.tokenizer
    ids, _, mask = pad_packed(batch.packs[0], tokenizer.pad_token_id or 0)
    row = int(batch.query_rows[0])
    tokens = tokenizer.convert_ids_to_tokens(ids[row][mask[row]].tolist())
    count = len(tokens)
    maps = torch.stack([layer[0, :, :count, :count] for layer in outputs.attentions])
    width = outputs.cls_states[-1].shape[1]
    vectors = None
    if outputs.projections:
        of_tokens = torch.stack([layer[:, 0, :count] for layer in outputs.projections])
        vectors = of_tokens.double().numpy()
    return AttentionMaps(tuple(tokens), maps.double().numpy(), width, vectors)


def _inside(model: CrossEncoder, batch: Batch) -> Outputs:
    """Maps and token vectors, with queries, keys and values where its layers give them."""
    wants = frozenset({"attentions", "cls_states"})
    try:
        outputs: Outputs = model(batch, wants=wants | {"projections"})
    except DataError:
        outputs = model(batch, wants=wants)
    return outputs


def head_divergence(student: AttentionMaps, teacher: AttentionMaps) -> NDArray[np.float64]:
    """(student layers, heads, teacher layers, heads) mean KL(teacher ‖ student) of rows, in nats.

    It is what internal distillation adds up (attention_kl). DataError for other tokens.
    """
    if student.tokens != teacher.tokens:
        raise DataError("the two models read this pair as other tokens, so no row has a partner")
    mine, theirs = (torch.from_numpy(each.maps) for each in (student, teacher))
    mask = torch.ones(1, len(student.tokens), dtype=torch.bool)
    values = [
        [
            float(attention_kl(mine[i, h][None, None], theirs[j, k][None, None], mask))
            for j in range(len(theirs))
            for k in range(theirs.shape[1])
        ]
        for i in range(len(mine))
        for h in range(mine.shape[1])
    ]
    return np.array(values).reshape(*mine.shape[:2], *theirs.shape[:2])


def internal_loss(params: Any, student: AttentionMaps, teacher: AttentionMaps) -> float:
    """Internal distillation's loss on one pair that both models read as the same tokens.

    params: InternalParams without a part for [CLS]. A mixture of heads is as it begins, their mean.
    ConfigError where these models cannot be compared.
    """
    sides = (student, teacher)
    shapes = [
        Shape(2, 0, layers=len(m.maps) + 1, hidden=m.width, heads=m.maps.shape[1]) for m in sides
    ]
    with torch.inference_mode():
        loss = objective(params, *shapes)
        if isinstance(loss, nn.Module):
            loss.double()
        return float(loss(*(_outputs(each) for each in sides)))


def _outputs(inside: AttentionMaps) -> Outputs:
    maps, none = torch.tensor(inside.maps), torch.zeros(1, 2, dtype=torch.float64)
    vectors = inside.projections
    return Outputs(
        logits=none,
        features=none,
        attentions=tuple(layer[None] for layer in maps),
        projections=() if vectors is None else tuple(torch.tensor(vectors)[:, :, None]),
        mask=torch.ones(1, maps.shape[2], dtype=torch.bool),
    )
