"""How long a training will take and what it needs, before it starts; and how wrong that was."""

import hashlib
import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from kdcore.config import DistillConfig, FinetuneConfig, ModelConfig
from kdcore.experiments.estimate import throughput
from kdcore.experiments.estimate.data_stats import DataStats
from kdcore.experiments.estimate.flops import cost_on, ratio
from kdcore.experiments.estimate.throughput import Measured, as_text, family_of
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


@dataclass(frozen=True)
class _Rate:
    """Pairs per second, by what factor they may be off, and what they were derived from."""

    pairs_per_second: float
    spread: float
    how: str
    runs: int = 0


def estimate(
    config: DistillConfig | FinetuneConfig, stats: DataStats, workspace: Workspace
) -> Estimate:
    """Estimate from the throughput measured on this machine; LabError for an unknown teacher.

    stats: of the config's data; a twin takes those of its student.
    """
    device = device_of(config.device)
    known = _of_device(throughput.known(workspace), device, config.threads)
    asked, cached = _teacher_seconds(config, stats, workspace, known, device)
    is_distill = isinstance(config, DistillConfig)
    model = config.student if isinstance(config, DistillConfig) else config.model
    pairs = stats.transfer if is_distill else stats.labelled
    texts = stats.transfer_texts if is_distill else stats.train_texts
    training, cost = config.training, cost_on(model, texts, config.training)
    flops = cost.training_flops(training.batch_size)
    train = _rate(known, model, training.batch_size, flops, "train")
    score = _scoring(known, model, cost.scoring_flops, train, flops)
    validations = training.epochs * training.validations * stats.labelled_validation
    probes = training.replay_points * min(PROBE, stats.labelled_validation)
    scoring = (validations + probes + stats.validation + stats.test) / score.pairs_per_second
    seconds = AROUND + pairs * training.epochs / train.pairs_per_second + scoring + asked
    if math.isnan(seconds):
        seconds = asked = scoring = math.nan
    spread = max(train.spread, 1 + (score.spread - 1) * scoring / seconds if seconds else 1)
    return Estimate(
        seconds=seconds,
        low=seconds / spread,
        high=seconds * spread,
        teacher_seconds=asked,
        teacher_cached=cached,
        scoring_seconds=scoring,
        memory_mb=_memory(
            known, model, training.batch_size, cost.memory_mb(training.batch_size, device)
        ),
        pairs=pairs,
        steps=math.ceil(pairs / training.batch_size) * training.epochs,
        pairs_per_second=train.pairs_per_second,
        device=device,
        basis=_in_words(train),
    )


def estimated_and_true(run: Run) -> tuple[float, float] | None:
    """Seconds that were estimated for a run, and that it took; None before both are known."""
    estimated = run.about.estimate.get("seconds")
    if not isinstance(estimated, int | float) or run.status().state != "finished":
        return None
    took = next((line["seconds"] for line in reversed(run.metrics()) if "seconds" in line), None)
    return None if took is None else (float(estimated), float(took))


def device_of(name: str) -> str:
    """The kind of device that a config's device comes to here: cpu, cuda or mps."""
    if name != "auto":
        return name.split(":")[0]
    if gpus():
        return "cuda"
    return "mps" if any(d.name == "mps" for d in machine_devices()) else "cpu"


def _of_device(known: Sequence[Measured], device: str, threads: int) -> list[Measured]:
    """What was measured on such a device; with as many threads, where that was measured."""
    here = [m for m in known if m.device.split(":")[0] == device]
    alike = [m for m in here if m.threads == threads or device != "cpu"]
    return alike or here


def _rate(
    known: Sequence[Measured], model: ModelConfig, batch: int, cost: float, kind: str
) -> _Rate:
    """The speed of this model from the surest source: equal runs, its family, then any model."""
    of_kind = [m for m in known if m.kind == kind]
    name = as_text(model)
    like = [
        m.pairs_per_second * m.cost / cost
        for m in of_kind
        if m.run
        and m.model == name
        and ratio(m.cost, cost) < 1.3
        and (m.batch == batch or kind == "score")  # scoring has a batch size of its own
    ][-RECENT:]
    if like:
        return _from(like, "like", len(like))
    family = [m for m in of_kind if m.family == family_of(model)]
    for how, some in (
        ("runs", [m for m in family if m.run]),
        ("measured", family),
        ("other", of_kind),
    ):
        rates = [m.speed / cost for m in some[-RECENT:]]
        if rates:
            return _from(rates, how, len(rates))
    return _Rate(math.nan, 1.0, "")


def _from(rates: Sequence[float], how: str, runs: int) -> _Rate:
    middle = statistics.median(rates)
    off = max(max(rates) / middle, middle / min(rates))
    return _Rate(middle, max(SPREAD[how], off), how, runs)


def _scoring(
    known: Sequence[Measured], model: ModelConfig, cost: float, train: _Rate, trained: float
) -> _Rate:
    """The speed of scoring; where it was never measured, from training by the ratio of FLOPs."""
    rate = _rate(known, model, 0, cost, "score")
    if not math.isnan(rate.pairs_per_second):
        return rate
    return replace(train, pairs_per_second=train.pairs_per_second * trained / cost)


def _teacher_seconds(
    config: DistillConfig | FinetuneConfig,
    stats: DataStats,
    workspace: Workspace,
    known: Sequence[Measured],
    device: str,
) -> tuple[float, bool]:
    """Seconds in which the teacher scores every pair, and whether its scores are cached."""
    if not isinstance(config, DistillConfig):
        return 0.0, False
    teacher = RunStore(workspace.runs).get(config.teacher).require_model()
    parts = {
        stats.transfer_hash: stats.transfer,
        stats.validation_hash: stats.labelled_validation,
    }
    left = sum(n for h, n in parts.items() if n and not is_cached(teacher, h, workspace, device))
    if not left:
        return 0.0, True
    about = teacher.config
    if not isinstance(about, FinetuneConfig | DistillConfig):
        return 0.0, False
    model = about.model if isinstance(about, FinetuneConfig) else about.student
    cost = cost_on(model, stats.transfer_texts, config.training)
    flops = cost.training_flops(TEACHER_BATCH)
    train = _rate(known, model, TEACHER_BATCH, flops, "train")
    rate = _scoring(known, model, cost.scoring_flops, train, flops)
    return left / rate.pairs_per_second, False


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


def _memory(known: Sequence[Measured], model: ModelConfig, batch: int, computed: float) -> float:
    """The most that equal runs needed; else what was computed from the model's shape."""
    name = as_text(model)
    peaks = [m.memory_mb for m in known if m.model == name and m.batch == batch and m.memory_mb]
    return max(peaks[-RECENT:], default=computed)


def _in_words(rate: _Rate) -> str:
    runs = f"{rate.runs} run{'s' if rate.runs > 1 else ''}"
    return {
        "like": f"from {runs} like this on this machine",
        "runs": f"from {runs} of other sizes on this machine",
        "measured": "from a short measurement on this machine",
        "other": "from other kinds of models on this machine, so roughly",
    }.get(rate.how, NOT_YET)
