"""From a ModelConfig to a model, and from a folder back to it."""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from transformers.utils import logging as transformers_logging

from kdcore.config import ModelConfig
from kdcore.errors import DataError
from kdcore.knobs import build as build_knobs
from kdcore.labels import LabelScheme
from kdcore.models.base import CARD, PairModel
from kdcore.models.bert import CrossEncoder
from kdcore.models.cdssm import Cdssm
from kdcore.models.layers import copy_layers, narrow_layers
from kdcore.models.tokenizers import Trigrams, WordPiece
from kdcore.models.twinbert import TwinBert
from kdcore.pairs import PairTable

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()


def new_model(
    config: ModelConfig, pairs: PairTable, seed: int = 0, start_from: PairModel | None = None
) -> PairModel:
    """An untrained model (or a pretrained encoder with an untrained head).

    pairs: the training pairs, from which a tokenizer is learned. start_from: a model of the
    same width whose tokenizer, embeddings and evenly chosen layers are taken over.
    """
    torch.manual_seed(seed)
    if config.name == "checkpoint":
        model = CrossEncoder.pretrained(config, pairs.scheme, config.checkpoint)
        _set_dropout(model, config.params.dropout)
        if config.params.keep_layers:
            narrow_layers(model.net, config.params.keep_layers)
        return model
    if start_from is not None:
        return _started(config, pairs.scheme, start_from)
    return _assemble(config, pairs.scheme, _learn_units(config, _texts(pairs)))


def load_model(folder: Path) -> PairModel:
    """The model that a run kept; DataError when the folder holds none."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        config = build_knobs(ModelConfig, card["model"])
        scheme = LabelScheme.from_dict(card["scheme"])
    except (OSError, KeyError, ValueError) as cause:
        raise DataError(
            f"{folder} holds no model of the lab ({cause}); finish its run first"
        ) from cause
    if config.name in ("bert", "checkpoint"):
        return CrossEncoder.kept(config, scheme, folder).eval()
    trigrams = config.name == "cdssm" or config.params.units == "trigrams"
    model = _assemble(config, scheme, Trigrams.load(folder) if trigrams else WordPiece.load(folder))
    model.load_weights(folder)
    return model.eval()


def _assemble(config: ModelConfig, scheme: LabelScheme, units: WordPiece | Trigrams) -> PairModel:
    if isinstance(units, Trigrams) and config.name == "cdssm":
        return Cdssm(config, scheme, units)
    if isinstance(units, WordPiece) and config.name == "bert":
        return CrossEncoder.new(config, scheme, units)
    return TwinBert(config, scheme, units)


def _learn_units(config: ModelConfig, texts: Iterable[str]) -> WordPiece | Trigrams:
    if config.name == "cdssm":
        return Trigrams.train(texts, config.params.buckets)
    if getattr(config.params, "units", "wordpiece") == "trigrams":
        return Trigrams.train(texts, config.params.vocabulary)
    return WordPiece.train(texts, config.params.vocabulary)


def _texts(pairs: PairTable) -> Iterable[str]:
    for column in ("query", "title", "description"):
        yield from pairs.frame[column].unique().tolist()


def _started(config: ModelConfig, scheme: LabelScheme, source: PairModel) -> PairModel:
    if (
        not isinstance(source, CrossEncoder)
        or source.pads
        or not isinstance(source.units, WordPiece)
    ):
        raise DataError("start_from: only BERT-n and BERT checkpoints can hand on their layers")
    if config.name not in ("bert", "twinbert_cos", "twinbert_res"):
        raise DataError(f"start_from: {config.name} has no BERT layers to start from")
    model = _assemble(config, scheme, source.units)
    if isinstance(model, CrossEncoder):
        copy_layers(source.encoder, model.encoder)
        if len(model.scheme) == len(source.scheme):
            model.net.classifier.load_state_dict(source.net.classifier.state_dict())
    elif isinstance(model, TwinBert):
        for tower in model.towers:
            copy_layers(source.encoder, tower.bert)
    return model


def _set_dropout(model: CrossEncoder, share: float) -> None:
    for module in model.net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
