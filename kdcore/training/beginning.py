"""What is looked at before a training begins: its start, its labels, and whether it is the same."""

import hashlib
import json

import numpy as np

from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    ModelConfig,
    StageConfig,
    to_dict,
    without_newer,
)
from kdcore.data.pairs import PairTable, part_of
from kdcore.errors import DataError, RunError
from kdcore.models.base import PairModel
from kdcore.models.build import load_model, new_model
from kdcore.runs.store import Run, RunStore
from kdcore.training.checkpoint import Progress
from kdcore.training.devices import pick_device

FEW = 200  # pairs on which a model is built to see that it can be
LEARNED = 2  # counts the changes in how tokenizers are learned


def refuse_avoidable(config: StageConfig, pairs: PairTable, store: RunStore) -> None:
    """Raise what a run of this config would raise before its first step, and make no run for it.

    The device, the splits, the labels, and the model itself, which is built on a few of the pairs.
    """
    pick_device(config.device)
    if isinstance(config, InferConfig):
        for split in config.splits:
            part_of(pairs, split)
        return
    if isinstance(config, DistillConfig):
        model, texts = config.student, transfer_set(pairs, config.transfer)
        learned = texts
    else:
        model, texts = config.model, pairs.split("train")
        learned = texts.labelled()
    refuse_unlabelled(config, learned, pairs.split("validation").labelled())
    few = texts.take(np.linspace(0, len(texts) - 1, min(FEW, len(texts))).astype(np.int64))
    new_model(model, few, config.seed, _started_by(model, store))


def transfer_set(pairs: PairTable, name: str) -> PairTable:
    """The pairs a student learns from: `train`, `log`, or `train+log`."""
    return pairs.only(name.split("+"))


def start_of(model: ModelConfig, run: Run) -> PairModel | None:
    """The model of the run that this one starts from, which lies beside it; None without one."""
    return _started_by(model, RunStore(run.folder.parent))


def _started_by(model: ModelConfig, store: RunStore) -> PairModel | None:
    if not model.start_from:
        return None
    return load_model(store.get(model.start_from).require_model().model_folder)


def refuse_unlabelled(
    config: FinetuneConfig | DistillConfig, train: PairTable, validation: PairTable
) -> None:
    """DataError when there is nothing to learn from or nothing to choose a moment by."""
    problems = []
    if not len(train):
        problems.append("no pair to learn from is labelled; distill learns from unlabelled ones")
    if not len(validation):
        problems.append("no validation pair is labelled, so epochs cannot be compared")
    elif config.training.select_by == "roc_auc" and len(set(validation.relevant)) < 2:
        problems.append("the validation pairs are all of one kind: choose select_by nll")
    if problems:
        raise DataError(f"{train.name} cannot be trained on:", problems)


def fresh(
    config: FinetuneConfig | DistillConfig, train: PairTable, validation: PairTable
) -> Progress:
    """A training that has not begun, by what it learns from and how."""
    data = f"{train.content_hash}-{validation.content_hash}"
    return Progress(0, 0, 0.0, data, _config_hash(config))


def check_same(run: Run, before: Progress, now: Progress) -> None:
    """RunError when a checkpoint is that of other data or settings."""
    settings = "settings, or by another version of the lab"
    for what, name in (("data_hash", "data"), ("config_hash", settings)):
        if getattr(before, what) != getattr(now, what):
            raise RunError(
                f"{run.id} was begun with other {name}; "
                "start a new run instead of resuming this one"
            )


def _config_hash(config: FinetuneConfig | DistillConfig) -> str:
    """A hash of the settings, and of how a tokenizer is learned, which a resumed run does again."""
    model = config.model if isinstance(config, FinetuneConfig) else config.student
    learned = not (model.checkpoint or model.start_from)
    about = {**without_newer(to_dict(config)), **({"tokenizer": LEARNED} if learned else {})}
    text = json.dumps(about, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
