"""What comes before the first step of a training: its checks, and the model that it starts from."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kdcore.catalog import method_entry
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    ModelConfig,
    MultitaskConfig,
    PretrainConfig,
    StageConfig,
    TeachConfig,
    TrainedConfig,
    to_dict,
    without_newer,
)
from kdcore.data.answers.imported import LEAST_TO_FIT
from kdcore.data.answers.teaching import refuse_unread
from kdcore.data.library import WORLD
from kdcore.data.names import world_log
from kdcore.data.pairs import PairTable, part_of
from kdcore.data.splits import transfer_set
from kdcore.data.tasks import task_pairs
from kdcore.errors import ConfigError, DataError, RunError
from kdcore.models.base import PairModel
from kdcore.models.build import load_model, new_model, new_student
from kdcore.models.pretrained.reader import PretrainedReader
from kdcore.objectives.base import Term, stages_of
from kdcore.objectives.params import compares_pairs, compares_tokens
from kdcore.runs.record import STATUS
from kdcore.runs.store import Run, RunStore
from kdcore.training.checkpoint import Progress
from kdcore.training.devices import pick_device, ranks
from kdcore.training.order import Order
from kdcore.workspace import Workspace

SAMPLE = 200  # pairs on which a model is built to see that it can be
TOKENIZERS = 2  # counts the changes in how tokenizers are learned


def refuse_avoidable(config: StageConfig, pairs: PairTable, store: RunStore) -> None:
    """Raise what a run of this config would raise before its first step, and make no run for it.

    Checks the device, the splits, the labels, files that teach, and the model, which is built on a
    few of the pairs.
    """
    pick_device(config.device)
    if isinstance(config, InferConfig):
        for split in config.splits:
            if not (config.on and split == "log" and world_log(config.data)[0]):
                part_of(pairs, split)
        return
    if isinstance(config, TeachConfig):
        if config.calibrate:
            refuse_uncalibrated(pairs)
        new_model(config.model, _sample(pairs), config.seed)
        return
    if isinstance(config, PretrainConfig):
        sample = _sample(pretraining_pairs(config, pairs)[0])
        source = starting_model(config.model, store, sample)
        PretrainedReader.of(new_model(config.model, sample, config.seed, source))
        return
    if isinstance(config, DistillConfig):
        refuse_torn(config, ranks(config.device))
        for name in config.teaching.runs:
            if not (teacher := store.get(name)).gives_grades:
                raise teacher.no_grades
        refuse_unread(config, pairs, Workspace(store.root.parent))
        Order.of(config, transfer_set(pairs, config.transfer_in_memory), None)
    train, texts = _learned(config, pairs)
    refuse_unlabelled(config, train, pairs.split("validation").labelled())
    sample = _sample(texts)
    if isinstance(config, DistillConfig):
        new_student(config, sample, starting_model(config.student, store, sample))
    else:
        new_model(config.model, sample, config.seed, starting_model(config.model, store, sample))


def _learned(
    config: FinetuneConfig | DistillConfig, pairs: PairTable
) -> tuple[PairTable, PairTable]:
    """The pairs that a training learns from, and those that its tokenizer reads."""
    if isinstance(config, DistillConfig):
        transfer = transfer_set(pairs, config.transfer_in_memory)
        return transfer, transfer
    if isinstance(config, MultitaskConfig):
        texts = transfer_set(pairs, config.split)
        return task_pairs(pairs, config.split, config.auxiliary).pairs, texts
    return pairs.split("train").labelled(), pairs.split("train")


def pretraining_pairs(config: PretrainConfig, pairs: PairTable) -> tuple[PairTable, PairTable]:
    """The pairs that a pretraining learns from and those that it is measured on, graded or not.

    DataError with the cure where the data lack one of them.
    """
    missing = [split for split in config.split.split("+") if split not in pairs.splits]
    if missing:
        log = f"name its size (--data {WORLD}:log=20000)" if pairs.name == WORLD else "import one"
        cure = f"{log}, or learn from the pairs of train (--split train)"
        raise DataError(
            f"{pairs.name} has no unlabelled log to learn from: {cure}"
            if missing == ["log"]
            else f"{pairs.name} has no pairs of {missing[0]}: learn from its log (--split log)"
        )
    if "validation" not in pairs.splits:
        raise DataError(
            f"{pairs.name} has no validation pairs, so epochs cannot be compared: import some, "
            "with or without grades"
        )
    return transfer_set(pairs, config.split), pairs.split("validation")


def _sample(pairs: PairTable) -> PairTable:
    """A few of the pairs, evenly taken."""
    return pairs.take(np.linspace(0, len(pairs) - 1, min(SAMPLE, len(pairs))).astype(np.int64))


def refuse_uncalibrated(pairs: PairTable) -> None:
    """DataError when there is nothing to calibrate on."""
    labelled = pairs.split("validation").labelled() if "validation" in pairs.splits else None
    relevant = int(labelled.relevant.sum()) if labelled is not None else 0
    others = len(labelled) - relevant if labelled is not None else 0
    if min(relevant, others) < LEAST_TO_FIT:
        raise DataError(
            f"{pairs.name}: its labelled validation pairs are {relevant:,} relevant and {others:,} "
            f"others, and a calibration needs {LEAST_TO_FIT} of each: leave calibrate out, or "
            "label more"
        )


def refuse_torn(config: DistillConfig, devices: int) -> None:
    """ConfigError when several devices would share shards, or a batch whose pairs are compared."""
    if config.from_shards and devices > 1:
        problem = f"device: one process reads shards, and {devices} devices are named; name one"
        raise ConfigError("This log cannot be shared out:", [problem])
    terms = config.soft_terms.values() if devices > 1 else ()
    methods = [method_entry(term.method) for term in terms if compares_pairs(term.params)]
    if methods:
        raise ConfigError(
            "These terms need the whole batch:",
            [
                f"device: {method.title} compares the pairs of a batch, which {devices} devices "
                "would share; choose one device"
                for method in methods
            ],
        )


def refuse_other_tokens(
    config: DistillConfig, student: PairModel, teacher: PairModel, transfer: PairTable
) -> None:
    """ConfigError when a term compares tokens and the two models read a text as other tokens."""
    names = [n for n, term in config.soft_terms.items() if compares_tokens(term.params)]
    sample = transfer.take(np.arange(min(SAMPLE, len(transfer))))
    mine, theirs = (model.read(sample).tokens for model in (student, teacher))
    if names and not all(
        np.array_equal(getattr(mine, part), getattr(theirs, part)) for part in ("flat", "lengths")
    ):
        raise ConfigError(
            "This student cannot learn token by token from this teacher:",
            [
                f"student: {', '.join(names)} compares tokens, and the teacher splits texts into "
                "other tokens; let it start from its teacher (student.start_from), or give both "
                "the same vocabulary, query_tokens and ad_tokens"
            ],
        )


def refuse_endless(config: DistillConfig, terms: Sequence[Term]) -> None:
    """ConfigError when a term's stages leave no epoch for the labels, or nothing to learn then."""
    problems = []
    for term in terms:
        stages = stages_of(term)
        others = config.hard_weight or any(t.weight for t in terms if t is not term)
        if stages is not None and stages.exclusive and others:
            if stages.total_epochs >= config.training.epochs:
                problems.append(
                    f"training.epochs: {config.training.epochs} end before the labels join, after "
                    f"{stages.count} stages of {stages.epochs:g} epochs in {term.name}; give more"
                )
        elif stages is not None and stages.ends and not others:
            problems.append(
                f"soft_weight, hard_weight: are 0, so nothing is left to learn after the stages of "
                f"{term.name}; choose schedule 'stacked', or give a weight"
            )
    if problems:
        raise ConfigError("These stages cannot be trained:", problems)


def starting_model(model: ModelConfig, store: RunStore, pairs: PairTable) -> PairModel | None:
    """The model of the run, or the pretrained encoder, that `start_from` names; else None.

    pairs: those that it will read; DataError when an encoder knows too few of their words.
    """
    if not model.start_from:
        return None
    folder = Path(os.path.expanduser(model.start_from))  # unlike Path's, it lets odd text pass
    if (folder / "config.json").is_file() and not (folder / STATUS).exists():
        lengths = {name: getattr(model.params, name) for name in ("query_tokens", "ad_tokens")}
        encoder = ModelConfig(name="checkpoint", checkpoint=str(folder), params=lengths)
        return new_model(encoder, pairs)
    run = store.get(model.start_from).require_model(grades=False)
    if isinstance(run.config, PretrainConfig):
        return PretrainedReader.load(run.config.model, pairs.scheme, run.model_folder)
    return load_model(run.model_folder)


def refuse_unlabelled(config: TrainedConfig, train: PairTable, validation: PairTable) -> None:
    """DataError when there is nothing to learn from, or nothing to choose the best model by."""
    problems: list[str] = []
    if not config.gives_grades:  # it reads none
        return
    if not len(train):
        problems.append("no pair to learn from is labelled; distill learns from unlabelled ones")
    if not len(validation):
        problems.append("no validation pair is labelled, so epochs cannot be compared")
    elif config.training.select_by == "roc_auc" and len(set(validation.relevant)) < 2:
        problems.append("the validation pairs are all of one kind: choose select_by nll")
    if problems:
        raise DataError(f"{train.name} cannot be trained on:", problems)


def fresh_progress(
    config: TrainedConfig, train: PairTable, validation: PairTable, key: str = ""
) -> Progress:
    """The progress of a training before its first step, with the hashes of its data and config.

    key: of the training pairs, where `train` holds only the first of them.
    """
    data = f"{key or train.content_hash}-{validation.content_hash}"
    model = config.student if isinstance(config, DistillConfig) else config.model
    settings = without_newer(to_dict(config))
    if not (model.checkpoint or model.start_from):  # a resumed run learns its tokenizer again
        settings["tokenizer"] = TOKENIZERS
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    return Progress(0, 0, 0.0, data, digest)


def check_same(run: Run, checkpoint: Progress, now: Progress) -> None:
    """RunError when a checkpoint was written with other data or settings."""
    settings = "settings, or by another version of the lab"
    for field, name in (("data_hash", "data"), ("config_hash", settings)):
        if getattr(checkpoint, field) != getattr(now, field):
            raise RunError(
                f"{run.id} was begun with other {name}; "
                "start a new run instead of resuming this one"
            )
