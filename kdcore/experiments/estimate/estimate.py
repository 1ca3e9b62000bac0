"""How long a training will take and what it needs, before it starts; and how wrong that was."""

import hashlib
import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from kdcore import lab
from kdcore.config import DistillConfig, FinetuneConfig, ModelConfig
from kdcore.experiments.estimate import throughput
from kdcore.experiments.estimate.data_stats import Amounts, amounts_of
from kdcore.experiments.estimate.flops import ratio
from kdcore.experiments.estimate.throughput import Measured, as_text, family_of, work_in
from kdcore.predictions import WEIGHTS, model_hash
from kdcore.runs.machine import gpus, machine_devices
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

RECENT = 5  # the last runs of a kind are believed
PROBE = 300  # pairs of a replay's probe
AROUND = 3.0  # seconds beside the training: data, tokenizer, and latency at the end
ASKED_AT_ONCE = 512  # pairs a step when a teacher answers
SPREAD = {"like": 1.3, "runs": 1.7, "measured": 2.2, "other": 4.0}  # high / expected, at least
NOT_YET = "nothing was measured on this machine yet"


@dataclass(frozen=True)
class Estimate:
    """Seconds of a run's own work with a range, and what it needs. nan: nothing to go by yet.

    teacher_seconds: of that, for the teacher's answers; 0 when teacher_cached. scoring_seconds:
    of that, for validations, replay and the scores at the end. pairs: learned from, each epochs
    times. basis: what it rests on, in words.
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
    """Pairs a second, by what factor it may be off, and how it is known."""

    pairs_per_second: float
    spread: float
    how: str
    runs: int = 0


def estimate(config: DistillConfig | FinetuneConfig, workspace: Workspace) -> Estimate:
    """From throughput measured on this machine; LabError when teacher or data cannot be read."""
    counted, device = amounts_of(config, workspace), device_of(config.device)
    known = _of_device(throughput.known(workspace), device, config.threads)
    model = config.student if isinstance(config, DistillConfig) else config.model
    training, work = config.training, work_in(model, config, workspace)
    pairs = counted.transfer if isinstance(config, DistillConfig) else counted.labelled
    train = _rate(known, model, training.batch_size, work.trained(training.batch_size), "train")
    score = _scoring(known, model, work.scored, train, work.trained(training.batch_size))
    looks = training.epochs * training.validations * counted.judged
    probed = training.replay_points * min(PROBE, counted.judged)
    scoring = (looks + probed + counted.validation + counted.test) / score.pairs_per_second
    asked, cached = _teacher_seconds(config, counted, workspace, known, device)
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
            known, model, training.batch_size, work.memory_mb(training.batch_size, device)
        ),
        pairs=pairs,
        steps=math.ceil(pairs / training.batch_size) * training.epochs,
        pairs_per_second=train.pairs_per_second,
        device=device,
        basis=_in_words(train),
    )


def foreseen_and_true(run: Run) -> tuple[float, float] | None:
    """Seconds that were foreseen for a run, and that it took; None before both are known."""
    foreseen = run.about.estimate.get("seconds")
    if not isinstance(foreseen, int | float) or run.status().state != "finished":
        return None
    took = next((line["seconds"] for line in reversed(run.metrics()) if "seconds" in line), None)
    return None if took is None else (float(foreseen), float(took))


def device_of(name: str) -> str:
    """The kind of device that a config's device comes to here: cpu, cuda or mps."""
    if name != "auto":
        return name.split(":")[0]
    if gpus():
        return "cuda"
    return "mps" if any(d.name == "mps" for d in machine_devices()) else "cpu"


def _of_device(known: Sequence[Measured], device: str, threads: int) -> list[Measured]:
    """What was measured on such a device; with as many threads, where there is any of that."""
    here = [m for m in known if m.device.split(":")[0] == device]
    alike = [m for m in here if m.threads == threads or device != "cpu"]
    return alike or here


def _rate(
    known: Sequence[Measured], model: ModelConfig, batch: int, cost: float, kind: str
) -> _Rate:
    """The best that is known of this model's speed, from the surest source that there is."""
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
    """The speed of scoring; without any measurement of it, by the sums that it leaves out."""
    found = _rate(known, model, 0, cost, "score")
    if not math.isnan(found.pairs_per_second):
        return found
    return replace(train, pairs_per_second=train.pairs_per_second * trained / cost)


def _teacher_seconds(
    config: DistillConfig | FinetuneConfig,
    counted: Amounts,
    workspace: Workspace,
    known: Sequence[Measured],
    device: str,
) -> tuple[float, bool]:
    """Seconds until the teacher has answered every pair, and whether it did so before."""
    if not isinstance(config, DistillConfig):
        return 0.0, False
    teacher = lab.store(workspace).get(config.teacher).require_model()
    asked = {counted.transfer_hash: counted.transfer, counted.judged_hash: counted.judged}
    left = sum(n for h, n in asked.items() if n and not is_cached(teacher, h, workspace, device))
    if not left:
        return 0.0, True
    about = teacher.config
    if not isinstance(about, FinetuneConfig | DistillConfig):
        return 0.0, False
    model = about.model if isinstance(about, FinetuneConfig) else about.student
    work = work_in(model, config, workspace)
    train = _rate(known, model, ASKED_AT_ONCE, work.trained(ASKED_AT_ONCE), "train")
    rate = _scoring(known, model, work.scored, train, work.trained(ASKED_AT_ONCE))
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


def _memory(known: Sequence[Measured], model: ModelConfig, batch: int, reckoned: float) -> float:
    """What like runs needed at most; else what the sums say."""
    name = as_text(model)
    told = [m.memory_mb for m in known if m.model == name and m.batch == batch and m.memory_mb]
    return max(told[-RECENT:], default=reckoned)


def _in_words(rate: _Rate) -> str:
    runs = f"{rate.runs} run{'s' if rate.runs > 1 else ''}"
    return {
        "like": f"from {runs} like this on this machine",
        "runs": f"from {runs} of other sizes on this machine",
        "measured": "from a short measurement on this machine",
        "other": "from other kinds of models on this machine, so roughly",
    }.get(rate.how, NOT_YET)
