"""Measure what a smaller form of a run's model loses on its test pairs, and how fast it is."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore import lab
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.evaluation.comparison import compare
from kdcore.export.check import Row
from kdcore.export.price import Loss
from kdcore.models.base import PairModel
from kdcore.models.predict import answer_texts
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.training.devices import use_threads

ROC_AUC = "roc_auc"
BUDGET = 3.0  # seconds for the pairs timed one by one, all forms together
WARM_UP, FEWEST, MOST = 10, 20, 200  # pairs: before the clock starts, timed at least and at most
Answer = Callable[[int], Any]  # answers the pair of this number


def rows_of(pairs: PairTable) -> list[Row]:
    """(query, title, description) of each pair."""
    texts = pairs.frame[["query", "title", "description"]]
    return [(q, t, d) for q, t, d in texts.itertuples(index=False)]


def loss_of(
    run: Run, model: PairModel, score: Callable[[list[Row]], NDArray[np.floating]], name: str
) -> Loss | None:
    """ROC-AUC of a smaller form against the run's own on its test pairs; None where not defined.

    score: (pairs, grades) logits of the smaller form, for rows; name: what it is called.
    """
    with suppress(LabError, OSError):
        pairs = lab.split_of(run, "test")
        rows = rows_of(pairs)
        own = _own(run, model, pairs, rows)
        smaller = Predictions(score(rows).astype(np.float32), pairs.content_hash, name)
        difference = compare(pairs, smaller, own, permutations=1000).differences.get(ROC_AUC)
        if difference is not None and isfinite(difference.delta):
            return Loss(
                pairs=difference.n,
                roc_auc=difference.value_a,
                of_run=difference.value_b,
                low=difference.low,
                high=difference.high,
                verdict=difference.verdict,
            )
    return None


def _own(run: Run, model: PairModel, pairs: PairTable, rows: Sequence[Row]) -> Predictions:
    """The run's saved answers, else those of its model."""
    with suppress(LabError, OSError):
        saved = lab.predictions(run, "test")
        if saved.data_hash == pairs.content_hash:
            return saved
    return Predictions(answer_texts(model, rows).logits, pairs.content_hash, run.id)


def timing_rows(rows: Sequence[Row]) -> list[Row]:
    """`MOST` rows drawn (seeded) from these."""
    rng = np.random.default_rng(0)
    return [rows[i] for i in rng.choice(len(rows), MOST, replace=len(rows) < MOST)]


def timed_in_turns(answers: Sequence[Answer]) -> tuple[list[float], int]:
    """Median milliseconds of each, and on how many pairs; every one answers in turn, one thread.

    In turns, so that a machine that others load slows all alike.
    """
    seconds: list[list[float]] = [[] for _ in answers]
    with use_threads(1):
        for row in range(WARM_UP):
            for answer in answers:
                answer(row)
        began = time.perf_counter()
        for row in range(MOST):
            for answer, times in zip(answers, seconds, strict=True):
                start = time.perf_counter()
                answer(row)
                times.append(time.perf_counter() - start)
            if row + 1 >= FEWEST and time.perf_counter() - began > BUDGET:
                break
    return [1000 * float(np.median(times)) for times in seconds], len(seconds[0])
