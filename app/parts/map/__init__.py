"""Two linked maps of the same points: one camera, the point in hand in both, lasso, moments.

    points = points_of(ids, teacher_places, student_places)
    linked_maps(points, color_by_class("Label", codes, names), key="map", on_change=take)
    choice_of("map", points)   # in `take`: what the visitor chose, by id

Points and colors cross the wire once per content; a gesture ends in one message.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import streamlit as st
from numpy.typing import ArrayLike

from app.kit.browser_part import part
from app.parts.arrays import arrays
from app.parts.map.choice import Choice, Shown, choice_of, count
from app.parts.map.payload import (
    Color,
    Points,
    Texts,
    bits_of,
    color_by_class,
    color_by_number,
    flags_of,
    points_of,
    texts_of,
)

__all__ = [
    "Choice",
    "Color",
    "Neighbor",
    "Pinned",
    "Points",
    "Shown",
    "Texts",
    "choice_of",
    "color_by_class",
    "color_by_number",
    "linked_maps",
    "points_of",
    "texts_of",
]

_mount = part(__name__)


@dataclass(frozen=True)
class Neighbor:
    """A near point in an original space. note: such as its distance."""

    id: int
    title: str
    note: str = ""


@dataclass(frozen=True)
class Pinned:
    """What the server knows of the pinned point; left, right: its nearest, nearest first."""

    id: int
    title: str
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    left: tuple[Neighbor, ...] = ()
    right: tuple[Neighbor, ...] = ()
    note: str = ""


def linked_maps(
    points: Points,
    color: Color | None,
    *,
    key: str,
    on_change: Callable[[], None],
    titles: tuple[str, ...] = ("Teacher", "Student"),
    notes: Sequence[Sequence[str]] = (),
    roles: tuple[str, str] = ("teacher", "student"),
    texts: Texts | None = None,
    shown: Shown | None = None,
    pinned: Pinned | None = None,
    marked: ArrayLike = (),
    dimmed: ArrayLike | None = None,
    unit: str = "points",
    height: int = 420,
) -> None:
    """Draw the maps; on_change runs once a gesture, `choice_of` then says what the visitor chose.

    Args:
        titles: a line above each map.
        notes: of each map a muted line below its title, or one for each moment.
        roles: the palette's role of each map, such as twin.
        texts: what the card of a point says at once; without it a click asks the server.
        shown: the state of the page; the part follows it.
        pinned: what is known of the point that `shown` pins.
        marked: ids that a search found.
        dimmed: (n,) points that do not pass the page's filters: pale and out of reach.
        unit: what a point is, such as pairs.
        height: of one map, px.
    """
    data = {
        "points": points.key,
        "n": points.n,
        "sides": list(points.sides),
        "box": list(points.box),
        "moments": list(points.moments),
        "color": None if color is None else {"key": color.key, **color.look},
        "texts": texts.key if texts else "",
        "titles": list(titles[: len(points.sides)]),
        "notes": [[note] if isinstance(note, str) else list(note) for note in notes],
        "roles": list(roles),
        "neighbors": asdict(pinned) if pinned else None,
        "marked": bits_of(points, marked),
        "dimmed": "" if dimmed is None else flags_of(dimmed),
        "unit": unit,
        "height": height,
        "seen": count(key),
        **(shown or Shown()).sent(points),
    }
    with st.container(gap=None):
        arrays(points.table, points.key, key=f"{key}_points")
        if color is not None:
            arrays(color.table, color.key, key=f"{key}_color")
        if texts is not None:
            arrays(texts.table, texts.key, key=f"{key}_texts")
        _mount(key=key, data=data, on_choice_change=on_change)
