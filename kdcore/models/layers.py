"""Keep some layers of an encoder, or start one encoder from another's layers."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from kdcore.errors import DataError


def narrow_layers(net: Any, keep: int, places: Sequence[int] = ()) -> None:
    """Keep these layers of an encoder, counted from 0, or `keep` layers chosen by even_layers.

    DataError where it has no such layer.
    """
    layers = layer_list(net.base_model)
    if not places and keep >= len(layers):
        return
    places = _chosen(places, len(layers), keep)
    _replace_layers(net.base_model, nn.ModuleList(layers[i] for i in places))
    kinds = getattr(net.config, "layer_types", None)  # ModernBERT: which layers look far
    if kinds is not None:
        net.config.layer_types = [kinds[i] for i in places]
    net.config.num_hidden_layers = len(places)
    with torch.device("meta"):  # ModernBERT's first layer lacks a norm that the others have
        fresh = type(net)(net.config)
    if fresh.state_dict().keys() != net.state_dict().keys():
        raise DataError(
            f"layers_from: layer {places[0]} of {type(net.base_model).__name__} cannot be its "
            "first; let the list begin with 0"
        )


def _chosen(places: Sequence[int], source: int, layers: int) -> list[int]:
    """The given places where all are layers of the source, or even ones where none is given."""
    if wrong := [place for place in places if place >= source]:
        raise DataError(
            f"layers_from: the source has no layer {wrong[0]}; it has {source}, "
            f"counted from 0 to {source - 1}"
        )
    return list(places) or even_layers(source, layers)


def even_layers(teacher: int, student: int) -> list[int]:
    """0-based teacher layers for a student's: DistilBERT's [0, 2, 4, 7, 9, 11] for 6 of 12.

    Sanh et al. 2019 (arXiv:1910.01108), scripts/extract_distilbert.py.
    """
    if student >= teacher:
        return list(range(teacher))
    if student == 1:
        return [0]
    return [int(i * (teacher - 1) / (student - 1) + 0.5) for i in range(student)]


def layer_list(encoder: Any) -> Any:
    """The blocks of an encoder; DataError where it shows none."""
    for owner in (getattr(encoder, name, None) for name in ("encoder", "transformer")):
        for name in ("layer", "layers"):
            if isinstance(getattr(owner, name, None), nn.ModuleList):
                return getattr(owner, name)
    if isinstance(getattr(encoder, "layers", None), nn.ModuleList):
        return encoder.layers
    raise DataError(f"{type(encoder).__name__} shows no list of layers; set keep_layers to 0")


def _replace_layers(encoder: Any, chosen: nn.ModuleList) -> None:
    old = layer_list(encoder)
    for module in encoder.modules():
        for name, child in module.named_children():
            if child is old:
                setattr(module, name, chosen)
                return


_KNOBS = {"hidden_size": "hidden", "num_attention_heads": "heads", "intermediate_size": "inner"}
_ALIKE = (*_KNOBS, "vocab_size")


def copy_layers(source: Any, target: Any, places: Sequence[int] = ()) -> list[int]:
    """Start a BertModel from another of the same width: embeddings, some layers, pooler.

    places: the 0-based source layers; () chooses them evenly. Returns those that were taken. Raises
    DataError when there is no such layer, or widths or vocabularies differ.
    """
    a, b = source.config, target.config
    differs = [n for n in _ALIKE if getattr(a, n) != getattr(b, n)]
    if differs:
        sizes = ", ".join(f"{n} {getattr(a, n)} there and {getattr(b, n)} here" for n in differs)
        knobs = ", ".join(f"{_KNOBS[n]}={getattr(a, n)}" for n in differs if n in _KNOBS)
        cure = f"; {knobs} would fit" if knobs else "; learn from data with the same word pieces"
        raise DataError(f"start_from: the layers do not fit: {sizes}{cure}")
    mine, theirs = target.embeddings, source.embeddings
    mine.word_embeddings.load_state_dict(theirs.word_embeddings.state_dict())
    mine.LayerNorm.load_state_dict(theirs.LayerNorm.state_dict())
    for name in ("position_embeddings", "token_type_embeddings"):
        _copy_rows(getattr(theirs, name).weight, getattr(mine, name).weight)
    chosen = _chosen(places, len(source.encoder.layer), len(target.encoder.layer))
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
