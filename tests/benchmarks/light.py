"""What needs no training: evaluation, growth with size, memory, the world, an import."""

import gc
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from data import Job, load, world_seconds
from measure import medians
from ours import STUDENT, given_model
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from kdcore.data.library import import_data
from kdcore.data.pairs import COLUMNS, PairTable
from kdcore.data.sources.table import TableReading
from kdcore.data.world import world
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.evaluate import evaluate
from kdcore.models.batches import epoch_order
from kdcore.predictions import Predictions
from kdcore.workspace import Workspace


def evaluation(data: str, pairs: int, rounds: int) -> dict[str, float]:
    """Seconds of each way to evaluate so many pairs (10 ads a query in the world)."""
    table = _judged(data, pairs)
    one, other = _answers(table, 0), _answers(table, 1)
    found = medians(
        {
            "plain": partial(plain_loop, table, one.logits),
            "metrics": lambda: evaluate(table, one, resamples=0),
            "bootstraps": lambda: evaluate(table, one, resamples=1000),
            "permutations": lambda: compare(
                table, one, other, resamples=0, permutations=10_000, area_permutations=0
            ),
            "compare": lambda: compare(table, one, other),
        },
        rounds,
    )
    return found | {"queries": float(table.query_ids.max() + 1), "pairs": float(len(table))}


def plain_loop(pairs: PairTable, logits: Any) -> tuple[float, ...]:
    """Three metrics, a query at a time, with scikit-learn; the rest of ours is not in it."""
    score, relevant = logits[:, -1] - logits[:, 0], pairs.relevant
    gains = pairs.scheme.gains()[pairs.grades]
    found: dict[str, list[float]] = {"roc": [], "pr": [], "ndcg": []}
    for query in np.unique(pairs.query_ids):
        rows = np.flatnonzero(pairs.query_ids == query)
        if 0 < relevant[rows].sum() < len(rows):
            found["roc"].append(roc_auc_score(relevant[rows], score[rows]))
            found["pr"].append(average_precision_score(relevant[rows], score[rows]))
        if len(rows) > 1 and gains[rows].any():
            found["ndcg"].append(ndcg_score([gains[rows]], [score[rows]], k=10))
    return tuple(float(np.mean(values)) for values in found.values())


def growth(job: Job, small: int) -> dict[str, float]:
    """Seconds of evaluation and of tokenizing and batching, at a size and at ten times it."""
    torch.set_num_threads(job.threads)
    large = world(train=10 * small, validation=0, test=0)
    model = given_model(STUDENT, job)
    found = {}
    for name, table in (("small", large.limit(small)), ("large", large)):
        answers = _answers(table, 0)
        seconds = medians(
            {
                "evaluation": lambda t=table, a=answers: evaluate(t, a, resamples=0),
                "batches": lambda t=table: _read(model, t, job.batch),
            },
            3,
        )
        found |= {f"{what} {name}": each / len(table) for what, each in seconds.items()}
    return found


def _read(model: Any, table: PairTable, batch: int) -> None:
    encoded = model.read(table)
    for rows in epoch_order(encoded, batch, 16, seed=0, epoch=0):
        model.batch(encoded, rows)


def keep_world(pairs: int, folder: Path) -> float:
    """Write so many pairs for `memory`; in a process of its own, for making them takes some."""
    began = time.perf_counter()
    made = world(train=pairs, validation=0, test=0)
    seconds = time.perf_counter() - began
    PairTable(made.frame[list(COLUMNS)], made.scheme, made.name).save(folder)
    return seconds


def memory(job: Job, folder: Path) -> dict[str, float]:
    """Peak GiB of this process after loading, encoding and evaluating what lies in a folder.

    And the seconds of an evaluation without resampling, once the table is in order.
    """
    before = _peak()
    table = PairTable.load(folder)
    encoded = given_model(STUDENT, job).read(table)
    answers = _answers(table, 0)
    measured = medians({"evaluation": lambda: evaluate(table, answers, resamples=0)}, 3)
    return {"pairs": float(len(encoded)), "before": before, "peak": _peak()} | measured


def sources(pairs: int) -> dict[str, float]:
    """Pairs a second that the world makes, and rows a second that an import of a CSV takes."""
    seconds = world_seconds(pairs)
    table = world(train=pairs, validation=0, test=0)
    frame = table.frame[["query", "title", "description", "language", "split"]]
    grades = np.asarray(table.scheme.grades)[table.grades]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.csv"
        frame.assign(grade=grades).to_csv(file, index=False)
        gc.collect()
        began = time.perf_counter()
        how, workspace = TableReading(scheme=table.scheme), Workspace(Path(folder) / "lab")
        import_data(file, "bench", how=how, workspace=workspace)
        taken = time.perf_counter() - began
    return {"world": pairs / seconds, "import": pairs / taken}


def _judged(data: str, pairs: int) -> PairTable:
    table = load(data, pairs)
    return table.split("train").labelled().limit(pairs)


def _answers(table: PairTable, seed: int) -> Predictions:
    """Logits that know something of the grade."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(len(table), len(table.scheme))).astype(np.float32)
    logits[np.arange(len(table)), table.grades] += 1 + seed / 4
    return Predictions(logits, table.content_hash, f"model {seed}")


def _peak() -> float:
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib / (2**30 if sys.platform == "darwin" else 2**20)
