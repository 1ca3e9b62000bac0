"""Joint density of teacher and student: thresholds, a box, the pair pointed at, the cube."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.kit.browser_part import part
from app.views.compare.parts import message

_mount = part(__name__)


def joint_density(
    data: dict[str, Any],
    mask: NDArray[np.bool_] | None,
    key: str,
    on_change: Callable[[], None],
) -> None:
    """Draw it. on_change runs once a gesture: `message` then has ct, cs, box, cells and pair.

    mask: (pairs,) which pairs the other filters leave; None = all. data: points (content key of
    what `joint_points` sent), grades, relevant_from, the thresholds ct and cs, box, cells (those
    picked in the cube, none = all), pair (row, texts and tags of the pair in focus, or None),
    marks (role -> what follows "P(relevant)" on its axis), chosen (the row that the visitor chose,
    -1 when the page did).
    """
    bits = b"" if mask is None else np.packbits(mask, bitorder="little").tobytes()
    sent = {"mask": base64.b64encode(bits).decode(), "seen": message(key)["n"]}
    _mount(key=key, data=data | sent, on_said_change=on_change)
