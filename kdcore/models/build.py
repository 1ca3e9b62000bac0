"""Build a model from its config, or load it from a folder."""

import copy
import json
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from pathlib import Path

import torch
from transformers.utils import logging as transformers_logging

from kdcore.catalog import student_entry
from kdcore.config import DistillConfig, ModelConfig
from kdcore.data.pairs import TEXT_COLUMNS, PairTable
from kdcore.errors import DataError
from kdcore.knobs import build as build_knobs
from kdcore.knobs import plain
from kdcore.labels import LabelScheme
from kdcore.models.base import PairModel
from kdcore.models.beside.assistant import WithAssistant
from kdcore.workspace import MODEL_CARD

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()


def new_model(
    config: ModelConfig, pairs: PairTable, seed: int = 0, start_from: PairModel | None = None
) -> PairModel:
    """An untrained model (or a pretrained encoder with an untrained head).

    pairs: the training pairs, from which a tokenizer is learned. start_from: an equal model, all of
    which it starts with; or one of the same width whose tokenizer, embeddings and layers
    (layers_from, else even) it takes.
    """
    torch.manual_seed(seed)
    if start_from is not None:
        return _started(config, pairs.scheme, start_from)
    return _kind(config.name).new(config, pairs.scheme, _texts(pairs))


def _started(config: ModelConfig, scheme: LabelScheme, source: PairModel) -> PairModel:
    """A model that starts from another; of a student with an assistant, from the student."""
    notes = source.notes  # of a checkpoint
    if isinstance(source, WithAssistant):
        source = source.student
        notes = (*notes, "the assistant of the run that it starts from was left out")
    differing = _differences(config, scheme, source)
    kind = _kind(config.name)  # a pretrained source of the same name has other heads
    if not differing and not config.layers_from and type(source) is kind:
        model = copy.deepcopy(source, {id(source.units): source.units})
        model.config, model.scheme, model.head_is_trained = config, scheme, True
    elif differing and config.name == source.config.name and config.name != "bert":
        raise DataError(
            f"start_from: {student_entry(config.name).title} starts from all of an equal model "
            f"only, and these differ in {', '.join(differing)}; give this one the same"
        )
    else:
        model = kind.starting_from(config, scheme, source)
    model.notes = notes
    return model


def _differences(config: ModelConfig, scheme: LabelScheme, source: PairModel) -> list[str]:
    """What keeps a model from starting with all of another, each as "there and here"."""
    if config.name != source.config.name:
        return [f"kind ({source.config.name} there and {config.name} here)"]
    theirs, ours = plain(source.config.params), plain(config.params)
    theirs |= {"grades": len(source.scheme)}
    ours |= {"grades": len(scheme)}
    return [
        f"{name} ({theirs[name]} there and {ours[name]} here)"
        for name in ours
        if theirs[name] != ours[name]
    ]


def load_model(folder: Path) -> PairModel:
    """The model that a run stored; DataError when the folder holds none."""
    try:
        card = json.loads((folder / MODEL_CARD).read_text(encoding="utf-8"))
        config = build_knobs(ModelConfig, card["model"])
        scheme = LabelScheme.from_dict(card["scheme"])
    except (OSError, KeyError, ValueError) as cause:
        raise DataError(
            f"{folder} holds no model of the lab ({cause}); finish its run first"
        ) from cause
    model = _kind(config.name).load(config, scheme, folder)
    if "assistant" in card:
        make = partial(_beside, model)
        model = WithAssistant.load_beside(model, card["assistant"], folder, make)
    return model.eval()


def new_student(
    config: DistillConfig, pairs: PairTable, start_from: PairModel | None = None
) -> PairModel:
    """The untrained student of a distillation, with an assistant where its terms ask for one.

    The student's own weights are the same with and without, and those of its twin.
    """
    student = new_model(config.student, pairs, config.seed, start_from)
    if config.assistant is None or config.residual is None:
        return student
    return WithAssistant(student, _beside(student, config.assistant), config.residual.on)


def _beside(student: PairModel, assistant: ModelConfig) -> PairModel:
    """An untrained model that reads the tokens of a student."""
    return _kind(assistant.name)(assistant, student.scheme, student.units)


def _kind(name: str) -> type[PairModel]:
    kind: type[PairModel] = import_module(f"kdcore.models.{student_entry(name).module}").MODEL
    return kind


def _texts(pairs: PairTable) -> Iterable[str]:
    for column in TEXT_COLUMNS:
        yield from pairs.frame[column].unique().tolist()
