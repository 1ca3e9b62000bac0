"""How long a training will take and what it needs, before it starts; and how wrong that was."""

import hashlib
import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from kdcore.config import DistillConfig, ModelConfig, TrainedConfig
from kdcore.experiments.estimate.data_stats import DataStats
from kdcore.experiments.estimate.flops import ModelCost, ratio
from kdcore.experiments.estimate.throughput import (
    Throughput,
    as_text,
    family_of,
    learned_pairs,
    model_of,
    own_cost,
    throughputs,
    training_cost,
)
from kdcore.predictions import WEIGHTS, model_hash
from kdcore.runs.machine import gpus, machine_devices
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace

RECENT = 5  # the last runs of a kind count
PROBE = 300  # pairs of a replay's probe
AROUND = 3.0  # seconds beside the training: data, tokenizer, and latency at the end
TEACHER_BATCH = 512  # pairs per batch when a teacher scores
SPREAD = {"like": 1.3, "runs": 1.7, "measured": 2.2, "other": 4.0}  # high / expected, at least
NOT_YET = "nothing was measured on this machine yet"


@dataclass(frozen=True)
class Estimate:
    """Seconds of a run with a range, and what it needs; nan where nothing was measured yet.

    teacher_seconds: part of seconds, for the teacher to score the pairs; 0 when teacher_cached.
    scoring_seconds: part of seconds, for validations, replay and the scores at the end. pairs:
    how many are learned from in each epoch. basis: what the estimate rests on, in words.
    teacher_is_live: it also runs at every step, which counts as time of the training. generations:
    students trained for this run, the twin included; the time is that of all but the twin.
    """

    seconds: float
    low: float
    high: float
    teacher_seconds: float
    teacher_cached: bool
    scoring_seconds: float
    memory_mb: float
    pairs: int
    steps: int
    pairs_per_second: float
    device: str
    basis: str
    teacher_is_live: bool = False
    generations: int = 1


@dataclass(frozen=True)
class _Rate:
    """Pairs per second, by what factor they may be off, and what they were derived from."""

    pairs_per_second: float
    spread: float
    source: str  # a key of SPREAD; "" where nothing was measured
    runs: int = 0

    @property
    def in_words(self) -> str:
        """What an estimate by this rate rests on."""
        runs = f"{self.runs} run{'s' if self.runs > 1 else ''}"
        return {
            "like": f"from {runs} like this on this machine",
            "runs": f"from {runs} of other sizes on this machine",
            "measured": "from a short measurement on this machine",
            "other": "from other kinds of models on this machine, so roughly",
        }.get(self.source, NOT_YET)


def estimate(config: TrainedConfig, stats: DataStats, workspace: Workspace) -> Estimate:
    """Estimate from the throughput measured on this machine; LabError for an unknown teacher.

    stats: of the config's data; a twin takes those of its student.
    """
    device = device_of(config.device)
    measured = _on_device(throughputs(workspace), device, config.threads)
    teacher_seconds, teacher_cached = _teacher_seconds(config, stats, workspace, measured, device)
    training = config.training
    model = model_of(config)
    pairs, texts = learned_pairs(config, stats)
    cost = training_cost(config, texts, workspace)
    train, score = _rates(measured, model, training.batch_size, cost)
    graded = config.gives_grades
    validated = stats.labelled_validation if graded else stats.validation
    validations = training.epochs * training.validations * validated
    at_end = stats.validation + stats.test if graded else 0
    probes = training.replay_points * min(PROBE, stats.labelled_validation)
    scoring = (validations + probes + at_end) / score.pairs_per_second
    learning = pairs * training.epochs / train.pairs_per_second
    seconds = AROUND + learning + scoring + teacher_seconds
    if math.isnan(seconds):
        seconds = teacher_seconds = scoring = math.nan
    spread = max(train.spread, 1 + (score.spread - 1) * scoring / seconds if seconds else 1)
    computed = cost.memory_mb(training.batch_size, device)
    one = Estimate(
        seconds=seconds,
        low=seconds / spread,
        high=seconds * spread,
        teacher_seconds=teacher_seconds,
        teacher_cached=teacher_cached,
        scoring_seconds=scoring,
        memory_mb=_memory(measured, model, training.batch_size, computed),
        pairs=pairs,
        steps=math.ceil(pairs / training.batch_size) * training.epochs,
        pairs_per_second=train.pairs_per_second,
        device=device,
        basis=train.in_words,
        teacher_is_live=cost.live_flops > 0,
    )
    return _of_all_generations(one, config)


def scoring(
    model: TrainedConfig, pairs: int, stats: DataStats, workspace: Workspace
) -> tuple[float, float, float, str]:
    """Seconds, their range, and the basis of the model of this training scoring so many pairs."""
    measured = _on_device(throughputs(workspace), device_of(model.device), model.threads)
    cost = own_cost(model, stats.transfer_texts, model.training)
    _, rate = _rates(measured, model_of(model), TEACHER_BATCH, cost)
    seconds = AROUND + pairs / rate.pairs_per_second
    return seconds, seconds / rate.spread, seconds * rate.spread, rate.in_words


def _of_all_generations(one: Estimate, config: TrainedConfig) -> Estimate:
    """The estimate of a training with those of the generations before it, but for the first.

    The first is the twin, which has an estimate of its own.
    """
    if not isinstance(config, DistillConfig) or config.teaching.kind != "born_again":
        return one
    generations = config.teaching.params.generations
    times = generations - 1
    return replace(
        one,
        seconds=times * one.seconds,
        low=times * one.low,
        high=times * one.high,
        scoring_seconds=times * one.scoring_seconds,
        generations=generations,
    )


def estimated_and_true(run: Run) -> tuple[float, float] | None:
    """Seconds that were estimated for a run, and that it took; None before both are known."""
    estimated = run.purpose.estimate.get("seconds")
    if not isinstance(estimated, int | float) or run.status().state != "finished":
        return None
    return None if run.seconds is None else (float(estimated), run.seconds)


def device_of(name: str) -> str:
    """The kind of device that a config's device comes to here: cpu, cuda or mps."""
    if name != "auto":
        return name.split(":")[0]
    if gpus():
        return "cuda"
    return "mps" if any(d.name == "mps" for d in machine_devices()) else "cpu"


def _on_device(measured: Sequence[Throughput], device: str, threads: int) -> list[Throughput]:
    """What was measured on such a device; with as many threads, where that was measured."""
    here = [t for t in measured if t.device.split(":")[0] == device]
    return [t for t in here if t.threads == threads or device != "cpu"] or here


def _rates(
    measured: Sequence[Throughput], model: ModelConfig, batch: int, cost: ModelCost
) -> tuple[_Rate, _Rate]:
    """The speeds of training and of scoring; where scoring was never measured, from training."""
    flops = cost.training_flops(batch)
    train = _rate(measured, model, batch, flops, "train")
    score = _rate(measured, model, 0, cost.scoring_flops, "score")
    if math.isnan(score.pairs_per_second):
        faster = flops / cost.scoring_flops
        score = replace(train, pairs_per_second=train.pairs_per_second * faster)
    return train, score


def _rate(
    measured: Sequence[Throughput], model: ModelConfig, batch: int, cost: float, kind: str
) -> _Rate:
    """The speed of this model from the surest source: equal runs, its family, then any model."""
    of_kind = [t for t in measured if t.kind == kind]
    name = as_text(model)
    equal = [
        t.pairs_per_second * t.cost / cost
        for t in of_kind
        if t.run
        and t.model == name
        and ratio(t.cost, cost) < 1.3
        and (t.batch == batch or kind == "score")  # scoring has a batch size of its own
    ][-RECENT:]
    family = [t for t in of_kind if t.family == family_of(model)]
    for source, rates in (
        ("like", equal),
        ("runs", [t.speed / cost for t in family if t.run][-RECENT:]),
        ("measured", [t.speed / cost for t in family][-RECENT:]),
        ("other", [t.speed / cost for t in of_kind][-RECENT:]),
    ):
        if rates:
            middle = statistics.median(rates)
            spread = max(SPREAD[source], max(rates) / middle, middle / min(rates))
            return _Rate(middle, spread, source, len(rates))
    return _Rate(math.nan, 1.0, "")


def _teacher_seconds(
    config: TrainedConfig,
    stats: DataStats,
    workspace: Workspace,
    measured: Sequence[Throughput],
    device: str,
) -> tuple[float, bool]:
    """Seconds in which all teachers score every pair, and whether their scores are cached."""
    if not isinstance(config, DistillConfig):
        return 0.0, False
    runs, seconds, cached = RunStore(workspace.runs), 0.0, True
    for name in config.teaching.runs:
        teacher = runs.get(name).require_model()
        more = _scoring_seconds(teacher, config, stats, workspace, measured, device)
        seconds, cached = seconds + (more or 0.0), cached and more is None
    return seconds, cached


def _scoring_seconds(
    teacher: Run,
    config: DistillConfig,
    stats: DataStats,
    workspace: Workspace,
    measured: Sequence[Throughput],
    device: str,
) -> float | None:
    """Seconds in which one teacher scores every pair; None where its scores are cached."""
    # a list: of a big world both hashes are unknown, and so equal
    parts = [
        (stats.transfer_hash, stats.transfer - stats.in_shards),
        (stats.validation_hash, stats.labelled_validation),
    ]
    left = sum(n for h, n in parts if n and not is_cached(teacher, h, workspace, device))
    if not left:
        return None
    training = teacher.config
    if not isinstance(training, TrainedConfig):
        return 0.0
    model = model_of(training)
    cost = own_cost(training, stats.transfer_texts, config.training)
    _, score = _rates(measured, model, TEACHER_BATCH, cost)
    return left / score.pairs_per_second


def is_cached(teacher: Run, pairs_hash: str, workspace: Workspace, device: str) -> bool:
    """Whether the cache of kdcore.teachers.cached holds a teacher's logits of these pairs."""
    folder = workspace.cache_folder("logits")
    if not folder.is_dir():
        return False
    try:
        weights = _digest(str(teacher.model_folder))
    except OSError:
        return False
    keys = (f"{weights}-{pairs_hash}-{p}-{device}" for p in ("float32", "bfloat16"))
    return any(
        (folder / f"{hashlib.sha256(k.encode()).hexdigest()}.parquet").exists() for k in keys
    )


def _digest(model: str) -> str:
    return _hashed(model, os.stat(f"{model}/{WEIGHTS}").st_mtime_ns)


@lru_cache(maxsize=64)
def _hashed(model: str, changed: int) -> str:
    return model_hash(Path(model))


def _memory(
    measured: Sequence[Throughput], model: ModelConfig, batch: int, computed: float
) -> float:
    """The most that equal runs needed; else what was computed from the model's shape."""
    name = as_text(model)
    peaks = [t.memory_mb for t in measured if t.model == name and t.batch == batch and t.memory_mb]
    return max(peaks[-RECENT:], default=computed)
