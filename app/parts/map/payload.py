"""Points, colors and texts of a map as they cross the wire: once per content, a few bytes a point.

Places are 16-bit integers in one square that both maps share: 8 bytes a point for both. Python
names points by id; the part names them by position in `Points.ids`, one bit each in a selection.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

FULL = 65_535  # the far edge of the square
NO_CLASS = 255
MOST_CLASSES = 7  # with a color of their own; more become one class
CYCLE = ("teacher", "student", "truth", "twin", "defect", "gold", "grade-1")


@dataclass(frozen=True)
class Points:
    """Points on one map or two. box: x and y of the square's corner and its side, in map units."""

    key: str
    ids: Ids  # (n,)
    table: pa.Table
    box: tuple[float, float, float]
    sides: tuple[int, ...]  # moments of the left map, and of the right one if there are two
    moments: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """Bytes of the columns that are sent."""
        return int(self.table.nbytes)


@dataclass(frozen=True)
class Color:
    """A class or a number for each point; look: what the legend needs, see part.js."""

    key: str
    table: pa.Table
    look: dict[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The classes of the legend; none for a number."""
        return tuple(self.look.get("names", ()))


@dataclass(frozen=True)
class Texts:
    """What the card of each point says before anybody asks the server."""

    key: str
    table: pa.Table


def points_of(
    ids: ArrayLike,
    left: ArrayLike | Sequence[ArrayLike],
    right: ArrayLike | Sequence[ArrayLike] | None = None,
    moments: Sequence[str] = (),
) -> Points:
    """Points by id with their places on both maps (right: None for one map).

    Args:
        ids: (n,) whole numbers from 0 to 2**32 - 1, each once.
        left, right: (n, 2) places in units that both share, or one such array per moment; a side
            that does not move may be given once.
        moments: names of the moments.

    Raises:
        ValueError: no points, repeated ids, a wrong shape, or a place that is not finite.
    """
    names = _checked_ids(ids)
    places = [_moments(side, len(names), moments) for side in (left, right) if side is not None]
    box = _square([each for side in places for each in side])
    columns = {
        f"{'lr'[number]}{axis}{moment}": _wire(each[:, k], box[k], box[2])
        for number, side in enumerate(places)
        for moment, each in enumerate(side)
        for k, axis in enumerate("xy")
    }
    if not np.array_equal(names, np.arange(len(names))):
        columns["id"] = names.astype(np.uint32)
    sides = tuple(len(side) for side in places)
    key = _hash(*columns.values(), repr((box, sides, tuple(moments))))
    return Points(key, names, pa.table(columns), box, sides, tuple(moments))


def color_by_class(
    title: str, codes: ArrayLike, names: Sequence[str], roles: Sequence[str] | None = None
) -> Color:
    """Color by class. Without roles of the palette, over seven classes the rarest become one.

    Args:
        codes: (n,) index into names of each point, in the order of `Points.ids`; -1 for none.
        roles: the palette's role of each class, such as teacher or grade-0.
    """
    values = np.asarray(codes, dtype=np.int64)
    labels = list(names)
    if values.size and not (values.min() >= -1 and values.max() < len(labels)):
        raise ValueError(f"{title}: a code is outside -1..{len(labels) - 1}, the index of a name")
    if roles is None and len(labels) > MOST_CLASSES:
        values, labels = _without_rare(values, labels)
    if roles is None:
        rest = [] if len(labels) == len(names) else ["muted"]
        roles = [*CYCLE[: len(labels) - len(rest)], *rest]
    if len(roles) != len(labels) or len(labels) >= NO_CLASS:
        raise ValueError(f"{title}: {len(labels)} classes have {len(roles)} roles of the palette")
    wire = np.where(values < 0, NO_CLASS, values).astype(np.uint8)
    look = {"kind": "class", "title": title, "names": labels, "roles": list(roles)}
    return Color(_hash(wire, repr(look)), pa.table({"value": wire}), look)


def color_by_number(
    title: str,
    values: ArrayLike,
    digits: int = 2,
    low: float | None = None,
    high: float | None = None,
    center: float | None = None,
    unit: str = "",
) -> Color:
    """Color by number; nan has none. Beyond low and high values are clipped.

    values: (n,) in the order of `Points.ids`. center: the middle of a scale with two ends.
    unit: what stands after a value, such as " %".
    """
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    least, most = (numbers[finite].min(), numbers[finite].max()) if finite.any() else (0.0, 1.0)
    start = float(least if low is None else low)
    end = float(most if high is None else high)
    if end <= start:
        end = start + 1.0
    share = np.clip((np.where(finite, numbers, start) - start) / (end - start), 0, 1)
    wire = np.where(finite, np.round(share * (FULL - 1)), FULL).astype(np.uint16)
    scale = {"low": start, "high": end, "digits": digits, "center": center, "unit": unit}
    look = {"kind": "number", "title": title, **scale}
    return Color(_hash(wire, repr(look)), pa.table({"value": wire}), look)


def texts_of(titles: Sequence[str], texts: Sequence[str] | None = None) -> Texts:
    """A title and perhaps a text per point, in the order of `Points.ids`."""
    table = pa.table({"title": list(titles), "text": list(texts or [""] * len(titles))})
    return Texts(_hash(repr(table.to_pydict())), table)


def bits_of(points: Points, ids: ArrayLike) -> str:
    """The points with these ids as one bit each (base64, little-endian); "" for none of them."""
    return flags_of(np.isin(points.ids, np.asarray(ids, dtype=np.int64)))


def flags_of(chosen: ArrayLike) -> str:
    """One bit per point of a yes or no each, in the order of `Points.ids`; "" for no yes."""
    flags = np.asarray(chosen, dtype=bool)
    if not flags.any():
        return ""
    return base64.b64encode(np.packbits(flags, bitorder="little").tobytes()).decode()


def ids_of(points: Points, bits: object) -> Ids:
    """The ids that bits of the browser name, in the order of `Points.ids`; none where they fail."""
    none = points.ids[:0]
    if not isinstance(bits, str) or not bits:
        return none
    try:
        raw = base64.b64decode(bits, validate=True)
    except ValueError:
        return none
    if len(raw) != -(-points.n // 8):
        return none
    flags = np.unpackbits(np.frombuffer(raw, np.uint8), count=points.n, bitorder="little")
    chosen: Ids = points.ids[flags.astype(bool)]
    return chosen


def _checked_ids(ids: ArrayLike) -> Ids:
    names = np.asarray(ids).astype(np.int64)
    if names.ndim != 1 or not len(names):
        raise ValueError("A map needs at least one point: ids is a list of whole numbers")
    if names.min() < 0 or names.max() >= 2**32:
        raise ValueError("An id of a point is a whole number from 0 to 4,294,967,295")
    if len(np.unique(names)) != len(names):
        raise ValueError("Each id of a map stands for one point; some ids are repeated")
    return names


def _moments(side: Any, n: int, moments: Sequence[str]) -> list[Floats]:
    """The places of one side, (n, 2) each, per moment."""
    given = [side] if np.ndim(side) == 2 else list(side)
    places = [np.asarray(each, dtype=np.float64) for each in given]
    if len(places) not in {1, max(1, len(moments))}:
        raise ValueError(f"{len(moments)} moments need as many arrays of places, not {len(places)}")
    for each in places:
        if each.shape != (n, 2):
            raise ValueError(f"Places are an array of ({n}, 2), not {each.shape}")
        if not np.isfinite(each).all():
            raise ValueError("A place on the map is not a finite number")
    return places


def _square(places: Sequence[Floats]) -> tuple[float, float, float]:
    """The least square around all places: x and y of its corner, and its side."""
    low = np.min([each.min(axis=0) for each in places], axis=0)
    high = np.max([each.max(axis=0) for each in places], axis=0)
    side = float((high - low).max()) or 1.0
    x, y = (low + high - side) / 2
    return float(x), float(y), side


def _wire(values: Floats, start: float, side: float) -> NDArray[np.uint16]:
    return np.clip(np.round((values - start) / side * FULL), 0, FULL).astype(np.uint16)


def _without_rare(codes: Ids, names: list[str]) -> tuple[Ids, list[str]]:
    """Codes and names with the rarest classes as one; the others stay in their order."""
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    frequent = sorted(np.argsort(-counts, kind="stable")[: MOST_CLASSES - 1])
    new = np.full(len(names) + 1, len(frequent))
    new[frequent] = np.arange(len(frequent))
    new[-1] = -1  # where -1 looks
    others = f"others ({len(names) - len(frequent)})"
    return new[codes], [*(names[k] for k in frequent), others]


def _hash(*contents: NDArray[Any] | str) -> str:
    digest = hashlib.sha256()
    for each in contents:
        digest.update(each.encode() if isinstance(each, str) else each.tobytes())
    return digest.hexdigest()[:16]
