"""The twin of a distilled student: all the same, but nobody teaches it.

Twins share model, data, seed, limit, schedule and steps. A student that also learns from
unlabelled pairs takes more steps an epoch than labels alone give: its twin goes over its labelled
pairs so much oftener that it takes as many steps, and keeps its best epoch on validation. So the
teacher's answers are what one of them has more, and not practice.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

from kdcore.config import DistillConfig, FinetuneConfig, StageConfig, TrainingConfig, from_dict
from kdcore.errors import LabError
from kdcore.runs.alike import UNSEEN_BY_THE_MODEL
from kdcore.runs.store import Run

_EQUAL = ("data", "seed")
TRAINED = ("finetune", "distill", "evaluate")  # stages in which the steps of a run are its own


def twin_of(config: DistillConfig, transfer: int = 0, labelled: int = 0) -> FinetuneConfig:
    """The config of a student's twin: trained on the labelled pairs of train alone.

    transfer, labelled: how many pairs the student and the twin learn from; needed where they
    differ (transfer "log" or "train+log"), for as many steps. Its loss is cross-entropy, or the
    squared error of a student whose soft loss is that of the KDD 2022 tutorial.
    """
    training = config.training
    if transfer and labelled:
        size = training.batch_size
        steps = math.ceil(transfer / size) * training.epochs
        epochs = max(1, round(steps / math.ceil(labelled / size)))
        training = replace(training, epochs=min(epochs, 1000))
    squared = getattr(config.method.params, "loss", "") == "mse_probabilities"
    return FinetuneConfig(
        data=config.data,
        limit=config.limit,
        seed=config.seed,
        device=config.device,
        threads=config.threads,
        model=config.student,
        loss="mse" if squared else "ce",
        label_smoothing=0.0 if squared else config.label_smoothing,
        training=training,
    )


def is_twin(taught: Run, alone: Run) -> bool:
    """Whether a run is the twin of a student: as they were launched, else as they learned."""
    ours, theirs = taught.config, alone.config
    if "student" not in ours or "model" not in theirs or "student" in theirs:
        return False
    if any(ours.get(key) != theirs.get(key) for key in _EQUAL):  # most end here, and none is read
        return False
    if taught.about.twin == alone.id or are_twins(ours, theirs):
        return True
    return are_twins(ours, theirs, (steps_of(taught), steps_of(alone)))


def steps_of(run: Run) -> int:
    """How many steps a run's whole training has, as it wrote down; 0 before it did."""
    status = run.status()
    return status.total_steps if status.stage in TRAINED else 0


def are_twins(
    taught: Mapping[str, Any], alone: Mapping[str, Any], steps: tuple[int, int] = (0, 0)
) -> bool:
    """Whether `alone` is the config of a twin of the student of `taught`, both as plain data.

    Same model, data, limit, seed and schedule; device, threads and what is only watched may
    differ. Epochs may differ where both take as many steps, to half an epoch of the twin.
    steps: how many each takes, 0 where nobody knows.
    """
    if "student" not in taught or "model" not in alone or "student" in alone:
        return False
    if any(taught.get(key) != alone.get(key) for key in _EQUAL):  # most end here
        return False
    try:
        student = _read(_frozen({**taught, "stage": "distill"}))
        twin = _read(_frozen({**alone, "stage": "finetune"}))
    except LabError:
        return False
    assert isinstance(student, DistillConfig)
    assert isinstance(twin, FinetuneConfig)
    return _same(student, twin, steps)


def same_training(one: FinetuneConfig, other: FinetuneConfig) -> bool:
    """Whether two trainings on labels learn the same, wherever they run and whoever looks."""
    parts = [
        replace(config, training=_learned(config.training), device="auto", threads=0)
        for config in (one, other)
    ]
    return parts[0] == parts[1]


def _same(student: DistillConfig, twin: FinetuneConfig, steps: tuple[int, int]) -> bool:
    if (student.student, student.limit) != (twin.model, twin.limit):
        return False
    if twin.loss == "ce" and twin.label_smoothing != student.label_smoothing:
        return False
    ours, theirs = _learned(student.training), _learned(twin.training)
    if all(steps) and abs(steps[0] - steps[1]) <= steps[1] / theirs.epochs / 2:
        theirs = replace(theirs, epochs=ours.epochs)
    return ours == theirs


def _learned(training: TrainingConfig) -> TrainingConfig:
    """The schedule without what does not change the model; equal for equal learning."""
    usual: dict[str, Any] = {
        spec.name: spec.default for spec in fields(training) if spec.name in UNSEEN_BY_THE_MODEL
    }
    return replace(training, **usual)


def _frozen(config: Mapping[str, Any]) -> str:
    return json.dumps(config, sort_keys=True, default=str)


@lru_cache(maxsize=4096)
def _read(config: str) -> StageConfig:
    return from_dict(json.loads(config))
