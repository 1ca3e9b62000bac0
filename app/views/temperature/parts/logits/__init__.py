"""All logits of the page's models, sent to the browser once; the other parts read them there."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import streamlit as st
from numpy.typing import NDArray

from app.kit.browser_part import part

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
            "cells": _cells(world.hash, world),
            "labels": _labels(world.hash, world),
        },
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _cells(key: str, _world: World) -> pa.Table:
    """One float32 column a model, pair after pair."""
    models = {
        "teacher": _world.teacher,
        "student": _world.student,
        "twin": _world.twin,
        "truth": _world.truth,
    }
    return pa.table(
        {
            name: np.ascontiguousarray(values, dtype=np.float32).ravel()
            for name, values in models.items()
            if values is not None
        }
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _labels(key: str, _world: World) -> pa.Table:
    return pa.table({"grade": np.asarray(_world.labels, dtype=np.int8)})
