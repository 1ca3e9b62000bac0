"""Joint density of teacher and student: thresholds, a box, the pair pointed at, the cube."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.kit.browser_part import part, state_value

_mount = part(__name__)


@dataclass(frozen=True)
class JointView:
    """What is shown. mask: (pairs,) which pairs the other filters leave; None = all.

    points: content key of the points that `joint_points` sent. cells: cells of the cube that are
    picked, () = all. pair: row, texts and tags of the primary pair, or None; asked: the row that
    the visitor chose, -1 when the page did.
    """

    points: str
    grades: tuple[str, ...]
    relevant_from: int
    ct: float
    cs: float
    box: tuple[float, ...]
    cells: Sequence[str]
    mask: NDArray[np.bool_] | None
    pair: dict[str, Any] | None
    asked: int


def joint_density(view: JointView, key: str, on_change: Callable[[], None]) -> None:
    """Draw it. on_change runs once a gesture, before the page does; `said` tells what it set."""
    bits = ""
    if view.mask is not None:
        bits = base64.b64encode(np.packbits(view.mask, bitorder="little").tobytes()).decode()
    data = vars(view) | {"mask": bits, "cells": list(view.cells), "seen": int(said(key)["n"])}
    _mount(key=key, data=data, on_said_change=on_change)


def said(key: str) -> dict[str, Any]:
    """What the visitor last set (ct, cs, box, cells, pair) and n, how often; n is 0 at first."""
    found = state_value(key, "said")
    whole = found if isinstance(found, dict) else {}
    n = whole.get("n", 0)
    return {**whole, "n": n if isinstance(n, int) else 0}
