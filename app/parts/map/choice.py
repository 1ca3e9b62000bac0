"""What the map shows and what the visitor chose on it; nothing that a browser sends is trusted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.kit.browser_part import state_value
from app.parts.map.payload import Color, Ids, Points, bits_of, ids_of

View = tuple[float, float, float]


def _no_ids() -> Ids:
    return np.array([], dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the map shows; every field comes back as it was set, unless the visitor changed it."""

    pinned: int | None = None  # an id
    selected: Any = field(default_factory=_no_ids)  # ids; none: no selection
    hidden: tuple[str, ...] = ()  # classes that are switched off
    view: View | None = None  # x, y of the middle in map units, and the zoom; None: everything
    moment: float = -1  # index into the moments, or between two; -1: the last
    color_range: tuple[float, float] | None = None  # numbers that stay in color

    def sent(self, points: Points) -> dict[str, Any]:
        """The fields as the part reads them."""
        return {
            "pinned": -1 if self.pinned is None else int(self.pinned),
            "selected": bits_of(points, self.selected) if len(self.selected) else "",
            "hidden": list(self.hidden),
            "view": list(self.view or ()),
            "moment": float(self.moment),
            "range": list(self.color_range or ()),
        }


@dataclass(frozen=True, kw_only=True)
class Choice(Shown):
    """What the visitor shows now. n: gestures so far; 0: none on these points."""

    n: int = 0


def choice_of(key: str, points: Points, color: Color | None = None) -> Choice:
    """The choice that the part mounted under `key` last sent about these points."""
    message = state_value(key, "choice")
    if not isinstance(message, Mapping) or message.get("key") != points.key:
        return Choice()
    pinned = message.get("pinned")
    is_point = isinstance(pinned, int) and bool(np.isin(pinned, points.ids))
    names = (*color.names, "none") if color is not None and color.names else ()
    hidden = message.get("hidden")
    moment = _numbers([message.get("moment")], 1)
    return Choice(
        n=count(key),
        pinned=pinned if is_point else None,
        selected=ids_of(points, message.get("selected")),
        hidden=tuple(n for n in names if n in hidden) if isinstance(hidden, list) else (),
        view=_view(message.get("view")),
        moment=min(max(moment[0], 0.0), max(0, len(points.moments) - 1)) if moment else -1,
        color_range=_range(message.get("range")),
    )


def count(key: str) -> int:
    """How many messages the part has sent; it takes no older state of ours than its last."""
    message = state_value(key, "choice")
    n = message.get("n") if isinstance(message, Mapping) else 0
    return n if isinstance(n, int) and n > 0 else 0


def _view(value: object) -> View | None:
    numbers = _numbers(value, 3)
    return (numbers[0], numbers[1], numbers[2]) if numbers and numbers[2] > 1 else None


def _range(value: object) -> tuple[float, float] | None:
    numbers = _numbers(value, 2)
    return (min(numbers), max(numbers)) if numbers else None


def _numbers(value: object, size: int) -> tuple[float, ...]:
    """So many finite numbers, or () for anything else."""
    if not isinstance(value, list | tuple) or len(value) != size:
        return ()
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in value):
        return ()
    return tuple(float(v) for v in value)
