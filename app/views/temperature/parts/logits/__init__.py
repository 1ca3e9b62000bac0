"""All logits of the page's models, sent to the browser once; the other parts read them there."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.kit.browser_part import part
from app.kit.by_hash import by_hash

_mount = part(__name__)


@dataclass(frozen=True)
class World:
    """What the browser holds: (pairs, classes) logits and truth, (pairs,) grades, -1 unjudged.

    hash: of all of it, so that equal content is neither packed nor sent twice.
    """

    hash: str
    grades: tuple[str, ...]
    relevant_from: int
    labels: NDArray[np.int64]
    teacher: NDArray[np.float32]
    student: NDArray[np.float32]
    twin: NDArray[np.float32] | None = None
    truth: NDArray[np.float64] | None = None


def temperature_data(world: World) -> None:
    """Mount it, invisible; its data is the same at every rerun, so nothing is sent again."""
    _mount(
        key="temperature_data",
        data={
            "hash": world.hash,
            "names": list(world.grades),
            "relevantFrom": world.relevant_from,
            "cells": _cells(world),
            "labels": _labels(world),
        },
    )


@by_hash(most=8, on=lambda world: world.hash)
def _cells(world: World) -> pa.Table:
    """One float32 column per model, pair after pair."""
    models = {
        "teacher": world.teacher,
        "student": world.student,
        "twin": world.twin,
        "truth": world.truth,
    }
    return pa.table(
        {
            name: np.ascontiguousarray(values, dtype=np.float32).ravel()
            for name, values in models.items()
            if values is not None
        }
    )


@by_hash(most=8, on=lambda world: world.hash)
def _labels(world: World) -> pa.Table:
    return pa.table({"grade": np.asarray(world.labels, dtype=np.int8)})
