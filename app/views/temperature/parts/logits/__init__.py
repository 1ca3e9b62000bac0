"""All logits of the page's models, sent to the browser once; the other parts read them there."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.kit.browser_part import part
from app.kit.by_hash import by_hash
from kdcore.data.pairs import PairTable
from kdcore.predictions import Predictions

_mount = part(__name__)


def temperature_data(
    content: str, pairs: PairTable, models: Mapping[str, Predictions | None]
) -> None:
    """Mount it, invisible; its data is the same at every rerun, so nothing is sent again.

    content: hash of pairs and logits; models: by role.
    """
    _mount(
        key="temperature_data",
        data={
            "hash": content,
            "names": list(pairs.scheme.grades),
            "relevantFrom": pairs.scheme.relevant_from,
            "cells": _cells(content, pairs, models),
            "labels": _labels(pairs),
        },
    )


@by_hash(most=8, on=lambda content, pairs, models: content)
def _cells(content: str, pairs: PairTable, models: Mapping[str, Predictions | None]) -> pa.Table:
    """One float32 column per model and one of the truth, pair after pair."""
    values = {role: model.logits for role, model in models.items() if model is not None}
    if pairs.truth is not None:
        values["truth"] = pairs.truth
    return pa.table({name: flat(each) for name, each in values.items()})


@by_hash(most=8)
def _labels(pairs: PairTable) -> pa.Table:
    return pa.table({"grade": np.asarray(pairs.grades, dtype=np.int8)})


def flat(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Numbers as the browser reads them: one float32 after the other."""
    return np.ascontiguousarray(values, dtype=np.float32).ravel()
