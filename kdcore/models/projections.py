"""What an encoder's attention layers compute inside: queries, keys, values and whole maps."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from kdcore.errors import DataError

KINDS = ("query", "key", "value")


@contextmanager
def recorded(encoder: Any, record: bool = True) -> Iterator[list[Tensor]]:
    """Collect (3, batch, tokens, width) of every layer that runs inside the block, in order.

    encoder: a transformers encoder with BERT's attention layers (BERT, RoBERTa, ELECTRA). DataError
    where its layers are others. record: False leaves the list empty.
    """
    layers: list[Tensor] = []
    if not record:
        yield layers
        return
    vectors: dict[str, Tensor] = {}

    def keep(kind: str, vector: Tensor) -> None:
        vectors[kind] = vector
        if len(vectors) == len(KINDS):
            layers.append(torch.stack([vectors.pop(name) for name in KINDS]))

    hooks = []
    try:
        for attention in _attentions(encoder):
            for kind in KINDS:
                linear = getattr(attention, kind)
                hooks.append(
                    linear.register_forward_hook(lambda _, __, out, kind=kind: keep(kind, out))
                )
        yield layers
    finally:
        for hook in hooks:
            hook.remove()


def keep_whole_maps(encoder: Any) -> None:
    """Switch the dropout of attention maps off, from now on; other dropout stays.

    A student that learns from its maps would otherwise see rows that do not sum to 1.
    """
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Dropout) and "attention" in name and "output" not in name:
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):  # ModernBERT
            module.attention_dropout = 0.0


def _attentions(encoder: Any) -> list[Any]:
    try:
        attentions = [layer.attention.self for layer in encoder.encoder.layer]
        complete = all(hasattr(a, kind) for a in attentions for kind in KINDS)
    except AttributeError:
        complete = False
    if not complete:
        raise DataError(
            f"{type(encoder).__name__} does not keep queries, keys and values as BERT does; "
            "choose internal distillation with loss 'attention', or a BERT-like encoder"
        )
    return attentions
