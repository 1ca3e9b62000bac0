"""Replay: a student's soft labels on the probe, moment by moment, beside its teacher's."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.kit.browser_part import part, state_value
from app.kit.by_hash import by_hash
from app.views.temperature.parts.logits import flat

KEY = "temperature_replay"
Logits = Mapping[str, NDArray[np.floating] | None]

_mount = part(__name__)


def temperature_replay(
    data: Mapping[str, Any], logits: Logits, on_change: Callable[[Any], None]
) -> None:
    """Mount it; on_change gets {"moment", "probe"} after a release. Its data never changes.

    data: hash of all, names, relevantFrom, event, titles, texts and labels of the probe's pairs,
    steps and twinSteps, at which the moments were recorded. logits: student and twin (moments,
    pairs, classes), teacher and truth (pairs, classes); None where they are unknown.
    """
    _mount(
        key=KEY,
        data={**data, **_tables(data["hash"], logits)},
        on_at_change=lambda: on_change(state_value(KEY, "at")),
    )


@by_hash(most=8, on=lambda content, logits: content)
def _tables(content: str, logits: Logits) -> dict[str, pa.Table]:
    return {
        name: pa.table({"logits": flat(values)})
        for name, values in logits.items()
        if values is not None
    }
