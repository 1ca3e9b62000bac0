"""Places of the names of points: beside them, inside the frame, without overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.kit.texts import plot

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LETTER, _LINE = 6.2, 15.0  # pixels of a letter and of a line at size 11
_GAP = 9.0  # pixels from a point to its name
# a frontier goes on to the right of its points, so a name is placed above it
_PLACES = ("top right", "bottom right", "middle left", "top left", "bottom left", "middle right")
_BLANKS = "\u00a0" * 3  # between a name and its point


@dataclass(frozen=True)
class Frame:
    """The part of a picture that holds the points: its ends in their units and its pixels."""

    low: tuple[float, float]
    high: tuple[float, float]
    pixels: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels from the left and from the bottom."""
        (left, bottom), (right, top) = self.low, self.high
        across, up = (right - left) or 1.0, (top - bottom) or 1.0
        return (x - left) / across * self.pixels[0], (y - bottom) / up * self.pixels[1]


_Box = tuple[float, float, float, float]


def places(
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    others: Sequence[tuple[float, float]],
    frame: Frame,
) -> list[str]:
    """The place of each name, as Plotly's textposition; "" for a name that has no free place.

    names: of `points`, the most important first. others: points whose marks no name may cover.
    """
    marks = [_around(*frame.at(*point)) for point in (*points, *others)]
    taken: list[_Box] = []
    chosen = []
    for name, point in zip(names, points, strict=True):
        x, y = frame.at(*point)
        own = _around(x, y)
        free = (
            (place, box)
            for place in _PLACES
            if _inside(box := _box(place, name, x, y), frame)
            and not any(_meet(box, each) for each in taken)
            and not any(_meet(box, each) for each in marks if each != own)
        )
        place, box = next(free, ("", own))
        chosen.append(place)
        if place:
            taken.append(box)
    return chosen


def write_names(
    figure: "go.Figure",
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    at: Sequence[str],
    ink: str,
) -> None:
    """Write each name at its place of `places` beside its point; without one it is left out."""
    named = [each for each in zip(names, points, at, strict=True) if each[2]]
    figure.add_scatter(
        x=[x for _, (x, _), _ in named],
        y=[y for _, (_, y), _ in named],
        text=[
            _BLANKS + plot(name) if place.endswith("right") else plot(name) + _BLANKS
            for name, _, place in named
        ],
        textposition=[place for _, _, place in named],
        mode="text",
        name="Names",
        showlegend=False,
        hoverinfo="skip",
        cliponaxis=False,
        textfont={"size": 11, "color": ink},
    )


def _around(x: float, y: float) -> _Box:
    return x - 5, y - 5, x + 5, y + 5


def _box(place: str, name: str, x: float, y: float) -> _Box:
    """Left, bottom, right and top of a name at a place beside a point."""
    height, side = place.split()
    width = _LETTER * len(name)
    left = x + _GAP if side == "right" else x - _GAP - width
    middle = y + {"top": _LINE, "middle": 0.0, "bottom": -_LINE}[height]
    return left, middle - _LINE / 2, left + width, middle + _LINE / 2


def _inside(box: _Box, frame: Frame) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= frame.pixels[0] and box[3] <= frame.pixels[1]


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
