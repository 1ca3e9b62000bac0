"""Runs as lines through parallel axes; two handles an axis brush them, by mouse, touch or keys."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from app.kit.browser_part import part, state_value

KEY = "runs_parallel"
_mount = part(__name__)
Brush = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class AxisView:
    """An axis. ticks: place from 0 (below) to 1 (above) and what stands there."""

    key: str
    title: str
    ticks: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class FamilyView:
    """How the runs of a family are drawn. dash: as SVG takes it."""

    key: str
    title: str
    color: str
    dash: str


@dataclass(frozen=True)
class LineView:
    """A run. places: where it crosses each axis, -1 where it says nothing; family: its look."""

    title: str
    family: str
    chosen: bool
    places: Sequence[float]


def runs_parallel(
    axes: Sequence[AxisView],
    lines: Sequence[LineView],
    families: Sequence[FamilyView],
    brush: Brush,
    on_brush: Callable[[dict[str, tuple[int, int]]], None],
    warning: str = "",
) -> None:
    """Draw them. families: those of the lines, in the order of the legend.

    brush: the percent of an axis that is kept, low and high; on_brush: at release. warning: stands
    in the picture, and so in its exports.
    """
    data = {
        "axes": [asdict(axis) for axis in axes],
        "lines": [asdict(line) for line in lines],
        "families": [asdict(family) for family in families],
        "warning": warning,
        "brush": {key: list(ends) for key, ends in brush.items()},
    }

    def release() -> None:
        sent = state_value(KEY, "brush")
        ranges = sent.get("brush") if isinstance(sent, Mapping) else None
        if isinstance(ranges, Mapping):
            on_brush({str(key): (int(low), int(high)) for key, (low, high) in ranges.items()})

    _mount(key=KEY, data=data, on_brush_change=release)
