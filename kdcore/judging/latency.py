"""How fast a model answers: batch 1 after warm-up, its teacher in turns with it, in one process.

In turns, so that a machine that others load slows both alike. Counted from token ids to logits:
tokenizing is left out, because a server keeps ads tokenized and both models pay alike for queries.
"""

import os
import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kdcore.config import DistillConfig, FinetuneConfig, TeachConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.models.base import PairModel
from kdcore.models.batches import Encoded
from kdcore.models.build import load_model
from kdcore.models.packed import product_type
from kdcore.runs.sizes import megabytes
from kdcore.runs.speed import Latency, Speed, Timing
from kdcore.runs.store import Run
from kdcore.runs.twins import teacher_of
from kdcore.training.devices import pick_device, use_threads

DRAWS = 200  # pairs timed one by one
BATCH = 32
BUDGET = 1.5  # seconds for the pairs timed one by one, all models and conditions together
WARM_UP = 10  # pairs before the clock starts: a CPU's library compiles a kernel for new shapes
FEWEST_BATCHES = 3
FEWEST = 10  # pairs that are timed however slow a model is
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Subject:
    model: PairModel
    encoded: Encoded


def latency_of(
    run: Run, config: FinetuneConfig | DistillConfig | TeachConfig, pairs: PairTable
) -> Latency:
    """Time a finished run's model on pairs of its test split, in turns with its teacher.

    Without the teacher where its run was removed, or where it is no single run.
    """
    split = "test" if "test" in pairs.splits else pairs.splits[0]
    teacher: PairModel | None = None
    source = teacher_of(run)
    if source is not None:
        with suppress(LabError):
            teacher = load_model(source.require_model().model_folder)
    return measure_latency(
        pairs.split(split),
        load_model(run.require_model().model_folder),
        teacher,
        pick_device(config.device),
        precision=(config if isinstance(config, TeachConfig) else config.training).precision,
    )


def measure_latency(
    pairs: PairTable,
    student: PairModel,
    teacher: PairModel | None,
    device: torch.device,
    *,
    precision: str = "auto",
    budget: float = BUDGET,
) -> Latency:
    """Time both models on `DRAWS` pairs drawn (seeded) from these; threads: those of torch now.

    Fewer pairs where the budget is used up, at least FEWEST; `n` says how many.
    """
    rng = np.random.default_rng(0)
    sample = pairs.take(rng.choice(len(pairs), DRAWS, replace=len(pairs) < DRAWS))
    models = [m for m in (student, teacher) if m is not None]
    subjects = [_Subject(m.eval(), m.read(sample)) for m in models]
    cpu, threads = torch.device("cpu"), torch.get_num_threads()
    is_plain = device.type == "cpu" and threads == 1
    seconds = budget if is_plain else budget / 2
    with torch.inference_mode():
        with use_threads(1):
            one_thread = _one_by_one(subjects, cpu, precision, seconds)
        configured = one_thread if is_plain else _one_by_one(subjects, device, precision, seconds)
        rates = _in_batches(subjects, device, precision, budget / 5)
    speeds = [_speed(*parts) for parts in zip(subjects, one_thread, configured, rates, strict=True)]
    return Latency(
        student=speeds[0],
        teacher=speeds[1] if teacher is not None else None,
        device=str(device),
        machine=_machine(device),
        threads=threads,
        products=str(product_type(precision, device)).removeprefix("torch."),
        drawn_from="+".join(pairs.splits),
        batch=BATCH,
        cores=os.cpu_count() or 0,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0,
        measured=time.time(),
    )


def _one_by_one(
    subjects: Sequence[_Subject], device: torch.device, precision: str, budget: float
) -> list[Timing]:
    """Pair by pair, every model in turn, until all are timed or the budget is used up."""
    for subject in subjects:
        _move(subject.model, device, precision)
    began = time.perf_counter()
    for row in range(WARM_UP):
        for subject in subjects:
            _answer(subject, np.array([row]), device)
        if time.perf_counter() - began > budget / 4:
            break
    seconds: list[list[float]] = [[] for _ in subjects]
    began = time.perf_counter()
    for row in range(DRAWS):
        for subject, times in zip(subjects, seconds, strict=True):
            times.append(_answer(subject, np.array([row]), device))
        if row + 1 >= FEWEST and time.perf_counter() - began > budget:
            break
    return [
        Timing(
            p50_ms=1000 * float(np.quantile(times, 0.5)),
            p95_ms=1000 * float(np.quantile(times, 0.95)),
            n=len(times),
        )
        for times in seconds
    ]


def _in_batches(
    subjects: Sequence[_Subject], device: torch.device, precision: str, budget: float
) -> list[float]:
    """Pairs per second in whole batches, the median over batches; the first one warms up."""
    for subject in subjects:
        _move(subject.model, device, precision)
    starts = np.arange(0, DRAWS - BATCH + 1, BATCH)
    seconds: list[list[float]] = [[] for _ in subjects]
    began = time.perf_counter()
    for start in np.resize(starts, 4 * len(starts)):
        for subject, times in zip(subjects, seconds, strict=True):
            times.append(_answer(subject, start + np.arange(BATCH), device))
        if len(seconds[0]) > FEWEST_BATCHES and time.perf_counter() - began > budget:
            break
    return [BATCH / max(float(np.median(times[1:])), 1e-9) for times in seconds]


def _answer(subject: _Subject, rows: Ints, device: torch.device) -> float:
    """Seconds until the logits of these rows lie in the memory of the CPU."""
    began = time.perf_counter()
    batch = subject.model.batch(subject.encoded, rows).to(device)
    subject.model(batch).logits.float().cpu()  # on an accelerator this waits for the end
    return time.perf_counter() - began


def _move(model: PairModel, device: torch.device, precision: str) -> None:
    model.products = product_type(precision, device)
    model.to(device)


def _speed(subject: _Subject, one_thread: Timing, configured: Timing, rate: float) -> Speed:
    lengths = subject.encoded.lengths
    return Speed(
        parameters=subject.model.size,
        megabytes=megabytes(subject.model.size),
        one_thread=one_thread,
        configured=configured,
        pairs_per_second=rate,
        tokens_p50=float(np.quantile(lengths, 0.5)),
        tokens_p95=float(np.quantile(lengths, 0.95)),
    )


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"{platform.machine() or 'CPU'}, {os.cpu_count()} cores"
