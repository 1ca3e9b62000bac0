"""TwoMaps: the maps of two spaces with the same points, and their numbers, stored by hash."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kdcore.errors import DataError
from kdcore.folder_job import Tell
from kdcore.projection.layout import NEIGHBORS, Graph, first_layout, second_layout, turned
from kdcore.projection.neighbors import EXACT_UP_TO, nearest
from kdcore.projection.pca import pca_map
from kdcore.projection.quality import (
    K,
    MapQuality,
    SharedGeometry,
    map_quality,
    overlap,
    shared_geometry,
)
from kdcore.projection.spaces import MOST_IN_LAYOUT, Points, Space, sample
from kdcore.workspace import replacing

Way = Literal["pca", "umap"]
WAYS: tuple[Way, ...] = ("pca", "umap")
VERSION = 2  # raised when the same features would be drawn or stored differently
GLANCE = 500  # points whose neighbors are looked for while a page waits
_UNMEASURED = 255  # in a stored overlap
_STEPS = 65535  # of a stored coordinate


@dataclass(frozen=True)
class Layout:
    """first, second: (points, 2) places; the second map is turned as a whole to match the first.

    variance: of PCA, shares held by the two directions of each map.
    """

    first: Points
    second: Points
    qualities: tuple[MapQuality, MapQuality]
    variance: tuple[float, ...] = ()


@dataclass(frozen=True)
class TwoMaps:
    """Maps of the same points in two spaces.

    rows: (points,) which points of the spaces are drawn, ascending: all, or a seeded sample.
    shared: (points,) share of neighbors that a point has in both spaces, nan where not measured.
    neighbors: two (points, k) arrays of places in `rows`, nearest first, where they are stored.
    """

    rows: NDArray[np.int64]
    shared: NDArray[np.float32]
    geometry: SharedGeometry
    layouts: Mapping[Way, Layout]
    neighbors: tuple[NDArray[np.int32], NDArray[np.int32]] | None = None

    def save(self, path: Path) -> None:
        """Write the maps completely or not at all: places as 16 bits, shares as one byte."""
        measured = np.isfinite(self.shared)
        counts = np.where(measured, self.shared, 0) * self.geometry.k
        sampled = len(self.rows) and self.rows[-1] >= len(self.rows)  # else they are all the points
        arrays: dict[str, NDArray[Any]] = {"rows": self.rows.astype(np.uint32)} if sampled else {}
        arrays |= {
            "shared": np.where(measured, np.rint(counts), _UNMEASURED).astype(np.uint8),
        }
        ways = {}
        for way, layout in self.layouts.items():
            boxes = []
            for name, places in (("first", layout.first), ("second", layout.second)):
                arrays[f"{way}_{name}"], box = _steps(places)
                boxes.append(box)
            qualities = [asdict(each) for each in layout.qualities]
            ways[way] = {"boxes": boxes, "qualities": qualities, "variance": layout.variance}
        for name, ids in zip(("first", "second"), self.neighbors or (), strict=False):
            small = len(self.rows) <= _STEPS + 1
            arrays[f"neighbors_{name}"] = ids.astype(np.uint16 if small else np.uint32)
        card = {"version": VERSION, "ways": ways, "geometry": asdict(self.geometry)}
        with replacing(path) as temporary:
            contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
            save_file(contiguous, temporary, {"map": json.dumps(card)})

    @classmethod
    def load(cls, path: Path) -> "TwoMaps":
        """Read what save wrote; DataError for anything else."""
        try:
            with safe_open(path, framework="numpy") as file:
                card: dict[str, Any] = json.loads((file.metadata() or {})["map"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if card["version"] != VERSION:
                raise KeyError("version")
            layouts: dict[Way, Layout] = {}
            for way, own in card["ways"].items():
                boxes = zip(("first", "second"), own["boxes"], strict=True)
                places = [_places(arrays[f"{way}_{name}"], box) for name, box in boxes]
                one, other = (MapQuality(**each) for each in own["qualities"])
                layouts[way] = Layout(places[0], places[1], (one, other), tuple(own["variance"]))
            geometry = SharedGeometry(**card["geometry"])
            counts = arrays["shared"].astype(np.float32)
            has_neighbors = "neighbors_first" in arrays
            rows = arrays.get("rows", np.arange(len(counts)))
            return cls(
                rows.astype(np.int64),
                np.where(counts == _UNMEASURED, np.float32(np.nan), counts / geometry.k),
                geometry,
                layouts,
                (
                    arrays["neighbors_first"].astype(np.int32),
                    arrays["neighbors_second"].astype(np.int32),
                )
                if has_neighbors
                else None,
            )
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as cause:
            raise DataError(f"{path.name} holds no maps ({cause}); draw them again") from None


def maps_key(first: Space, second: Space, seed: int = 0) -> str:
    """The name under which these maps are stored: a hash of both spaces' features and the seed."""
    text = f"{VERSION}-{first.content_hash}-{second.content_hash}-{seed}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def draw(
    first: Space,
    second: Space,
    ways: Sequence[Way] = WAYS,
    seed: int = 0,
    tell: Tell = lambda step, share: None,
    most: int = MOST_IN_LAYOUT,
    keep_neighbors: bool = False,
) -> TwoMaps:
    """Draw two spaces of the same points; of more than `most` a seeded sample.

    DataError when the spaces do not have the same points.
    """
    _require_same_points(first, second)
    steps, done = 3 + 3 * len(ways), iter(range(99))

    def begin(step: str) -> None:
        tell(step, next(done) / steps)

    rows = sample(len(first), most, seed)
    if len(rows) < len(first):
        first, second = first.take(rows), second.take(rows)
    graphs = []
    for space in (first, second):
        begin(f"neighbors of {space.title}")
        graphs.append(nearest(space, NEIGHBORS))
    layouts = {way: _layout(way, (first, second), graphs, seed, begin) for way in ways}
    begin("what both spaces share")
    ids = graphs[0][0], graphs[1][0]
    shared = overlap(*ids)
    return TwoMaps(
        rows,
        shared.astype(np.float32),
        shared_geometry(first, second, shared, seed=seed),
        layouts,
        (ids[0][:, :K].astype(np.int32), ids[1][:, :K].astype(np.int32))
        if keep_neighbors
        else None,
    )


def glance(first: Space, second: Space, most: int = 0, seed: int = 0) -> TwoMaps:
    """PCA of both spaces, with numbers of `most` sampled points.

    0 lets the number of points decide, so that it takes about a second. The overlap of the other
    points is not measured.
    """
    _require_same_points(first, second)
    most = most or (GLANCE if len(first) <= EXACT_UP_TO else GLANCE // 5)
    of = sample(len(first), most, seed)
    some = overlap(nearest(first, K, of)[0], nearest(second, K, of)[0])
    shared = np.full(len(first), np.nan, dtype=np.float32)
    shared[of] = some
    (one, shares), (other, more) = pca_map(first), pca_map(second)
    other = turned(other, one)
    sides = ((first, one), (second, other))
    qualities = [map_quality(space, places, seed=seed, most=most) for space, places in sides]
    layout = Layout(one, other, (qualities[0], qualities[1]), (*shares.tolist(), *more.tolist()))
    geometry = shared_geometry(first, second, some, seed=seed, most=most)
    return TwoMaps(np.arange(len(first)), shared, geometry, {"pca": layout})


def _layout(
    way: Way, spaces: tuple[Space, Space], graphs: list[Graph], seed: int, begin: Any
) -> Layout:
    """Both maps by one way, with their numbers."""
    variance: tuple[float, ...] = ()
    begin(f"{way.upper()} of {spaces[0].title}")
    if way == "pca":
        one, shares = pca_map(spaces[0])
    else:
        one = first_layout(spaces[0], graphs[0], seed)
    begin(f"{way.upper()} of {spaces[1].title}")
    if way == "pca":
        places, more = pca_map(spaces[1])
        other = turned(places, one)
        variance = (*shares.tolist(), *more.tolist())
    else:
        other = second_layout(spaces[1], graphs[1], one, seed)
    begin(f"quality of {way.upper()}")
    qualities = [map_quality(s, p, seed=seed) for s, p in zip(spaces, (one, other), strict=True)]
    return Layout(one, other, (qualities[0], qualities[1]), variance)


def _require_same_points(first: Space, second: Space) -> None:
    if len(first) != len(second):
        raise DataError(
            f"{first.title} has {len(first):,} points and {second.title} {len(second):,}; two maps "
            "need the features of the same pairs"
        )


def _steps(places: Points) -> tuple[NDArray[np.uint16], list[list[float]]]:
    """Places in 65,536 even steps of their range, and that range."""
    low, high = places.min(axis=0), places.max(axis=0)
    span = np.where(high > low, high - low, 1)
    steps = np.rint((places - low) / span * _STEPS).astype(np.uint16)
    return steps, [low.tolist(), span.tolist()]


def _places(steps: NDArray[np.uint16], box: Sequence[Sequence[float]]) -> Points:
    low, span = (np.asarray(each, dtype=np.float32) for each in box)
    return np.asarray(steps / np.float32(_STEPS) * span + low, dtype=np.float32)
