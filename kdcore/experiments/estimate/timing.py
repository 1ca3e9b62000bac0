"""A short measurement of this machine: a few steps of three small models on invented pairs."""

import time
from collections.abc import Callable

import numpy as np
import torch

from kdcore.config import FinetuneConfig, ModelConfig
from kdcore.data.pairs import PairTable, make_frame
from kdcore.experiments.estimate.flops import cost_of
from kdcore.experiments.estimate.throughput import (
    KINDS,
    Throughput,
    add,
    as_text,
    family_of,
    throughputs,
)
from kdcore.labels import BINARY
from kdcore.models.build import new_model
from kdcore.models.packed import product_type
from kdcore.models.predict import score
from kdcore.objectives.hard import hard_cross_entropy
from kdcore.training.devices import pick_device
from kdcore.training.optimizer import make_optimizer, take_step
from kdcore.workspace import Workspace

MODELS = ("twinbert_cos:vocabulary=500", "cdssm:buckets=2000", "bert_teacher:vocabulary=500")
BUDGET = 0.25  # seconds for each model and kind
QUERIES, ADS, WORDS = 64, 8, 12  # of the invented pairs; words of an ad


def time_small_models(
    workspace: Workspace, device: str = "auto", again: bool = False
) -> list[Throughput]:
    """Time a few steps of small models here, about a second, and store what that shows.

    It imports torch, so it belongs into a child process. It is done once, unless `again`.
    """
    before = [each for each in throughputs(workspace) if not each.run]
    if before and not again:
        return before
    place, pairs = pick_device(device), _invented()
    timed = [each for spec in MODELS for each in _timed(ModelConfig.parse(spec), pairs, place)]
    add(workspace, timed)
    return timed


def _timed(config: ModelConfig, pairs: PairTable, device: torch.device) -> list[Throughput]:
    knobs = FinetuneConfig(model=config).training
    model = new_model(config, pairs).to(device)
    model.products = product_type("auto", device)
    encoded = model.read(pairs)
    rows = np.arange(knobs.batch_size) % len(pairs)
    batch = model.batch(encoded, rows).to(device)
    target = torch.tensor(pairs.grades[rows], device=device)
    optimizer = make_optimizer([model], knobs, device)

    def train() -> int:
        loss = hard_cross_entropy(model.train()(batch).logits, target)
        loss.backward()  # type: ignore[no-untyped-call]
        take_step(optimizer, knobs, 0, 1)
        return len(rows)

    def predict() -> int:
        score(model, encoded, device)
        return len(pairs)

    cost = cost_of(config, 3.0, float(WORDS), 1 / ADS)
    jobs = {"train": train, "score": predict}
    costs = {"train": cost.training_flops(knobs.batch_size), "score": cost.scoring_flops}
    return [
        Throughput(
            kind=kind,
            device=device.type,
            model=as_text(config),
            family=family_of(config),
            batch=knobs.batch_size,
            threads=0,
            cost=costs[kind],
            pairs_per_second=_rate(jobs[kind], device),
        )
        for kind in KINDS
    ]


def _rate(job: Callable[[], int], device: torch.device) -> float:
    """Pairs per second of a job, after one run of it to warm up."""
    job()
    _finish(device)
    began, done = time.perf_counter(), 0
    while not done or time.perf_counter() - began < BUDGET:
        done += job()
        _finish(device)
    return done / (time.perf_counter() - began)


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _invented() -> PairTable:
    """Pairs whose texts are about as long as those of the bundled world."""
    rng = np.random.default_rng(0)
    words = np.array([f"{a}{b}" for a in "bdfgklmnprst" for b in ("ala", "ero", "inu", "oma")])

    def text(count: int) -> str:
        return " ".join(words[rng.integers(0, len(words), count)])

    queries = [f"{text(2)} {q}" for q in range(QUERIES) for _ in range(ADS)]
    titles = [text(WORDS // 2) for _ in queries]
    descriptions = [text(WORDS - WORDS // 2) for _ in queries]
    grades = [row % 2 for row in range(len(queries))]
    frame = make_frame(queries, titles, descriptions, grades, ["train"] * len(queries))
    return PairTable(frame, BINARY, "invented")
