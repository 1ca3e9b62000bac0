"""The moments of a training as points of one space: one fit on all of them, never a transform."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import DataError
from kdcore.predictions import Predictions
from kdcore.projection.neighbors import nearest
from kdcore.projection.quality import K, MapQuality, map_quality, overlap
from kdcore.projection.spaces import Points, Space


@dataclass(frozen=True)
class Moments:
    """Features of the same pairs after some steps. features: (moments, pairs, width) float32."""

    steps: tuple[int, ...]
    features: NDArray[np.float32]
    data_hash: str
    title: str

    def pooled(self) -> Space:
        """All moments as the points of one space, moment by moment."""
        return Space(self.features.reshape(-1, self.features.shape[-1]), self.title)

    def shared_with_last(self) -> NDArray[np.float64]:
        """(moments, pairs) share of neighbors that a pair already has as at the last moment.

        nan at a moment at which all pairs have the same features.
        """
        shares = np.full(self.features.shape[:2], np.nan)
        last = nearest(Space(self.features[-1], self.title), K)[0]
        for place, features in enumerate(self.features):
            try:
                shares[place] = overlap(nearest(Space(features, self.title), K)[0], last)
            except DataError:
                continue
        return shares

    def qualities(self, places: Points) -> tuple[MapQuality | None, ...]:
        """How much the map keeps of the space of each moment, both of that moment's pairs alone.

        None at a moment at which all pairs have the same features.

        places: (moments * pairs, 2), of `pooled`.
        """
        by_moment = places.reshape(len(self.steps), -1, 2)
        return tuple(map(self._quality, self.features, by_moment))

    def _quality(self, features: NDArray[np.float32], places: Points) -> MapQuality | None:
        try:
            return map_quality(Space(features, self.title), places)
        except DataError:
            return None


def moments_of(folder: Path, title: str) -> Moments | None:
    """The moments of a run's replay folder that hold features; None with fewer than two."""
    steps, features, data_hash = [], [], ""
    for path in sorted(folder.glob("step-*.parquet")):
        predictions = Predictions.load(path)
        if predictions.features is not None:
            steps.append(int(path.stem.removeprefix("step-")))
            features.append(predictions.features)
            data_hash = predictions.data_hash
    if len(steps) < 2:
        return None
    return Moments(tuple(steps), np.stack(features), data_hash, title)
