"""Keep some layers of an encoder, or start one encoder from another's layers."""

from typing import Any

import torch
from torch import Tensor, nn

from kdcore.errors import DataError


def narrow_layers(net: Any, keep: int) -> None:
    """Keep `keep` layers of an encoder, chosen by even_layers."""
    layers = _layer_list(net.base_model)
    if keep >= len(layers):
        return
    places = even_layers(len(layers), keep)
    _replace_layers(net.base_model, nn.ModuleList(layers[i] for i in places))
    kinds = getattr(net.config, "layer_types", None)  # ModernBERT: which layers look far
    if kinds is not None:
        net.config.layer_types = [kinds[i] for i in places]
    net.config.num_hidden_layers = keep


def even_layers(teacher: int, student: int) -> list[int]:
    """0-based teacher layers for a student's: DistilBERT's [0, 2, 4, 7, 9, 11] for 6 of 12.

    Sanh et al. 2019 (arXiv:1910.01108), scripts/extract_distilbert.py.
    """
    if student >= teacher:
        return list(range(teacher))
    if student == 1:
        return [0]
    return [int(i * (teacher - 1) / (student - 1) + 0.5) for i in range(student)]


def _layer_list(encoder: Any) -> Any:
    for owner in (getattr(encoder, name, None) for name in ("encoder", "transformer")):
        for name in ("layer", "layers"):
            if isinstance(getattr(owner, name, None), nn.ModuleList):
                return getattr(owner, name)
    if isinstance(getattr(encoder, "layers", None), nn.ModuleList):
        return encoder.layers
    raise DataError(f"{type(encoder).__name__} shows no list of layers; set keep_layers to 0")


def _replace_layers(encoder: Any, chosen: nn.ModuleList) -> None:
    old = _layer_list(encoder)
    for module in encoder.modules():
        for name, child in module.named_children():
            if child is old:
                setattr(module, name, chosen)
                return


_ALIKE = ("hidden_size", "num_attention_heads", "intermediate_size", "vocab_size")


def copy_layers(source: Any, target: Any) -> list[int]:
    """Start a BertModel from another of the same width: embeddings, even layers, pooler.

    Returns the 0-based source layers. Raises DataError when widths or vocabularies differ.
    """
    a, b = source.config, target.config
    differs = [n for n in _ALIKE if getattr(a, n) != getattr(b, n)]
    if differs:
        sizes = ", ".join(f"{n} {getattr(a, n)} there and {getattr(b, n)} here" for n in differs)
        raise DataError(f"start_from: the layers do not fit: {sizes}; make them the same")
    mine, theirs = target.embeddings, source.embeddings
    mine.word_embeddings.load_state_dict(theirs.word_embeddings.state_dict())
    mine.LayerNorm.load_state_dict(theirs.LayerNorm.state_dict())
    for name in ("position_embeddings", "token_type_embeddings"):
        _copy_rows(getattr(theirs, name).weight, getattr(mine, name).weight)
    chosen = even_layers(len(source.encoder.layer), len(target.encoder.layer))
    for layer, i in zip(target.encoder.layer, chosen, strict=False):
        layer.load_state_dict(source.encoder.layer[i].state_dict())
    if target.pooler is not None and source.pooler is not None:
        target.pooler.load_state_dict(source.pooler.state_dict())
    return chosen


@torch.no_grad()
def _copy_rows(source: Tensor, target: Tensor) -> None:
    """The rows that both tables have; a longer text or other token types keep their start."""
    rows = min(len(source), len(target))
    target[:rows] = source[:rows]
