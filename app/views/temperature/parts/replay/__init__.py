"""Replay: a student's soft labels on the probe, moment by moment, beside its teacher's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.kit.browser_part import part, state_value
from app.kit.by_hash import by_hash

KEY = "temperature_replay"

_mount = part(__name__)


@dataclass(frozen=True)
class Film:
    """Recorded moments of a student on a probe of pairs.

    student: (moments, pairs, classes) logits at `steps`; teacher: (pairs, classes), or None when
    they are unknown; twin: as student, at twin_steps, of the student without a teacher.
    """

    hash: str
    grades: tuple[str, ...]
    relevant_from: int
    event: str
    titles: Mapping[str, str]
    texts: list[str]
    labels: list[int]
    steps: list[int]
    student: NDArray[np.float32]
    teacher: NDArray[np.float32] | None
    twin: NDArray[np.float32] | None
    twin_steps: list[int]
    truth: NDArray[np.float64] | None


def temperature_replay(film: Film, on_change: Callable[[Any], None]) -> None:
    """Mount it; on_change gets {"moment", "probe"} after a release. Its data never changes."""
    _mount(
        key=KEY,
        data={
            "hash": film.hash,
            "names": list(film.grades),
            "relevantFrom": film.relevant_from,
            "event": film.event,
            "titles": dict(film.titles),
            "texts": film.texts,
            "labels": film.labels,
            "steps": film.steps,
            "twinSteps": film.twin_steps,
            **_tables(film),
        },
        on_at_change=lambda: on_change(state_value(KEY, "at")),
    )


@by_hash(most=8, on=lambda film: film.hash)
def _tables(film: Film) -> dict[str, pa.Table]:
    """One float32 column per model, moment after moment; a missing model has none."""
    models = {
        "student": film.student,
        "teacher": film.teacher,
        "twin": film.twin,
        "truth": film.truth,
    }
    return {
        name: pa.table({"logits": np.ascontiguousarray(values, dtype=np.float32).ravel()})
        for name, values in models.items()
        if values is not None
    }
