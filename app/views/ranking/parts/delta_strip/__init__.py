"""A sorted strip of per-query differences that brushes ranks and opens a query."""

from collections.abc import Callable
from math import isfinite
from typing import Any

from app import state
from app.kit.browser_part import part, state_value

_mount = part(__name__)


def delta_strip(key: str, data: dict[str, Any], opened: Callable[[int], None]) -> None:
    """Draw the strip; a released brush becomes the state's, `opened` gets a clicked rank (from 1).

    data: hash of all below, deltas, valuesA, valuesB, queries (greatest difference first), a and b
    (name, role), mean, low, high (None when unknown), brush, sentence (the picture in words).
    """

    def brushed() -> None:
        given = state_value(key, "brush")
        if isinstance(given, (list, tuple)) and all(_is_number(v) for v in given):
            state.change(ranking={"brush": given})

    def clicked() -> None:
        rank = state_value(key, "open")
        if _is_number(rank):
            opened(int(rank))

    _mount(key=key, data=data, on_brush_change=brushed, on_open_change=clicked)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and isfinite(value)
