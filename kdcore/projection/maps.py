"""TwoMaps: the finished maps of two spaces, their neighbors and their numbers, stored by hash."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kdcore.errors import DataError
from kdcore.projection.layout import NEIGHBORS, Graph, first_layout, second_layout
from kdcore.projection.neighbors import nearest
from kdcore.projection.pca import pca_map
from kdcore.projection.quality import (
    MapQuality,
    SharedGeometry,
    map_quality,
    overlap,
    shared_geometry,
)
from kdcore.projection.spaces import MOST_IN_LAYOUT, Points, Space, sample
from kdcore.workspace import replacing

Way = Literal["pca", "umap"]
VERSION = 1  # raised when the same features would be drawn differently
Tell = Callable[[str, float], None]  # the present step, and the share of the work that is done
_STEPS = {"umap": 7, "pca": 5}


@dataclass(frozen=True)
class TwoMaps:
    """Maps of the same points in two spaces.

    rows: (points,) which points of the spaces are drawn, ascending: all, or a seeded sample.
    first, second: (points, 2) places. neighbors: two (points, k) arrays of places in `rows`.
    shared: (points,) share of neighbors that a point has in both spaces.
    """

    way: Way
    rows: NDArray[np.int64]
    first: Points
    second: Points
    neighbors: tuple[NDArray[np.int32], NDArray[np.int32]]
    shared: NDArray[np.float32]
    qualities: tuple[MapQuality, MapQuality]
    geometry: SharedGeometry
    variance: tuple[float, ...] = ()  # of PCA: shares held by the two axes of each map

    def save(self, path: Path) -> None:
        """Write the maps completely or not at all."""
        arrays = {
            "rows": self.rows,
            "first": self.first,
            "second": self.second,
            "neighbors_first": self.neighbors[0],
            "neighbors_second": self.neighbors[1],
            "shared": self.shared,
        }
        card = {
            "version": VERSION,
            "way": self.way,
            "qualities": [asdict(each) for each in self.qualities],
            "geometry": asdict(self.geometry),
            "variance": list(self.variance),
        }
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
            first, second = (MapQuality(**each) for each in card["qualities"])
            return cls(
                card["way"],
                arrays["rows"],
                arrays["first"],
                arrays["second"],
                (arrays["neighbors_first"], arrays["neighbors_second"]),
                arrays["shared"],
                (first, second),
                SharedGeometry(**card["geometry"]),
                tuple(card["variance"]),
            )
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as cause:
            raise DataError(f"{path.name} holds no maps ({cause}); draw them again") from None


def maps_key(first: Space, second: Space, way: Way, seed: int = 0) -> str:
    """The name under which these maps are stored: a hash of features, way and seed."""
    text = f"{VERSION}-{first.content_hash}-{second.content_hash}-{way}-{seed}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def draw(
    first: Space,
    second: Space,
    way: Way = "umap",
    seed: int = 0,
    tell: Tell = lambda step, share: None,
    most: int = MOST_IN_LAYOUT,
) -> TwoMaps:
    """Draw two spaces of the same points; of more than `most` a seeded sample by UMAP.

    DataError when the spaces do not have the same points.
    """
    if len(first) != len(second):
        raise DataError(
            f"{first.title} has {len(first):,} points and {second.title} {len(second):,}; two maps "
            "need the features of the same pairs"
        )
    steps = iter(range(_STEPS[way]))

    def begin(step: str) -> None:
        tell(step, next(steps) / _STEPS[way])

    rows = sample(len(first), most, seed)
    if len(rows) < len(first):
        first, second = first.take(rows), second.take(rows)
    spaces = (first, second)
    graphs = []
    for space in spaces:
        begin(f"neighbors of {space.title}")
        graphs.append(nearest(space, NEIGHBORS))
    places, variance = _places(way, spaces, graphs, seed, begin)
    begin("quality of the maps")
    qualities = [map_quality(s, p, seed=seed) for s, p in zip(spaces, places, strict=True)]
    begin("what both spaces share")
    shared = overlap(graphs[0][0], graphs[1][0])
    return TwoMaps(
        way,
        rows,
        *places,
        (graphs[0][0].astype(np.int32), graphs[1][0].astype(np.int32)),
        shared.astype(np.float32),
        (qualities[0], qualities[1]),
        shared_geometry(first, second, shared, seed=seed),
        variance,
    )


def _places(
    way: Way,
    spaces: tuple[Space, Space],
    graphs: list[Graph],
    seed: int,
    begin: Callable[[str], None],
) -> tuple[tuple[Points, Points], tuple[float, ...]]:
    """The places of both maps, and what the axes of PCA hold."""
    if way == "pca":
        begin("main directions")
        (one, shares), (other, more) = (pca_map(space) for space in spaces)
        return (one, other), (*shares.tolist(), *more.tolist())
    begin(f"map of {spaces[0].title}")
    one = first_layout(spaces[0], graphs[0], seed)
    begin(f"map of {spaces[1].title}")
    return (one, second_layout(spaces[1], graphs[1], one, seed)), ()
