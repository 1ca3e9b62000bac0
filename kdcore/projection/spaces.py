"""Space: the vectors of some points by one model; what cannot be drawn is refused in a sentence."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import DataError

Points = NDArray[np.float32]  # (points, 2)
FEWEST = 3  # points of a map
MOST_IN_LAYOUT = 100_000  # points that UMAP lays out; of more a seeded sample


@dataclass(frozen=True)
class Space:
    """features: (points, width) float32, a row per point. title: whose they are.

    Creating it raises DataError for fewer than three points, no width, a value that is not a
    number, and points that are all equal.
    """

    features: NDArray[np.float32]
    title: str

    def __post_init__(self) -> None:
        shape = self.features.shape
        if len(shape) != 2:
            raise DataError(f"features of {self.title} have shape {shape}; need (points, width)")
        points, width = shape
        if points < FEWEST:
            raise DataError(
                f"{self.title} has {points} points; a map needs at least {FEWEST}: choose a split "
                "or a filter that holds more pairs"
            )
        if not width:
            raise DataError(f"{self.title} stored no features; score the pairs again to keep them")
        bad = int((~np.isfinite(self.features)).any(axis=1).sum())
        if bad:
            raise DataError(
                f"{bad:,} of {points:,} points of {self.title} hold a value that is not a number; "
                "score the pairs again"
            )
        if (self.features == self.features[0]).all():
            raise DataError(
                f"all {points:,} points of {self.title} are equal: its model gives every pair the "
                "same vector, so there is nothing to draw"
            )

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def content_hash(self) -> str:
        """16 hex digits that change when a feature does."""
        digest = hashlib.sha256(str(self.features.shape).encode())
        digest.update(np.ascontiguousarray(self.features, dtype=np.float32).tobytes())
        return digest.hexdigest()[:16]

    def take(self, rows: NDArray[np.int64]) -> "Space":
        """The points at these rows."""
        return Space(self.features[rows], self.title)


def sample(points: int, most: int, seed: int = 0) -> NDArray[np.int64]:
    """Rows of a seeded random sample, ascending; all of them where they are at most `most`."""
    if points <= most:
        return np.arange(points)
    return np.sort(np.random.default_rng(seed).choice(points, most, replace=False))
