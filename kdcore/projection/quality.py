"""How much a map keeps of its space, and how much two spaces share; each number with its n."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.metrics.significance import Support, interval, resampled
from kdcore.metrics.similarity import linear_cka, rsa
from kdcore.projection.spaces import Points, Space, sample

K = 10  # neighbors that are compared
SAMPLE = 2_000  # points: trustworthiness and RSA grow with their square
_DRAWN = 5_000_000  # groups that a bootstrap draws in all
COMPARABLE = 0.1  # share of common neighbors beyond chance below which maps cannot be compared


@dataclass(frozen=True)
class MapQuality:
    """Trustworthiness and continuity of a map, 0 to 1, on n sampled points at k neighbors.

    trustworthiness: whether neighbors on the map are neighbors in the space. continuity: whether
    neighbors in the space are neighbors on the map (Venna & Kaski 2001). nan with too few points.
    """

    trustworthiness: float
    continuity: float
    n: int
    k: int


@dataclass(frozen=True)
class SharedGeometry:
    """How alike two spaces are. overlap: the mean share of k neighbors that both have, of n points.

    chance: the overlap of unrelated spaces, k / (points - 1). cka, rsa: see metrics.similarity; on
    cka_n and rsa_n sampled points.
    """

    overlap: float
    chance: float
    cka: float
    rsa: float
    n: int
    cka_n: int
    rsa_n: int
    k: int

    @property
    def comparable(self) -> bool:
        """Whether enough neighbors are shared for two maps to be read side by side."""
        return self.overlap - self.chance >= COMPARABLE


def map_quality(
    space: Space, places: Points, k: int = K, seed: int = 0, most: int = SAMPLE
) -> MapQuality:
    """Measure a map of a space on a seeded sample of `most` points."""
    from sklearn.manifold import trustworthiness  # a second, which finished maps do not cost

    rows = sample(len(space), most, seed)
    k = min(k, (len(rows) - 1) // 2)
    features, drawn = space.features[rows].astype(np.float64), places[rows].astype(np.float64)
    if k < 1:
        return MapQuality(float("nan"), float("nan"), len(rows), k)
    return MapQuality(
        float(trustworthiness(features, drawn, n_neighbors=k)),
        float(trustworthiness(drawn, features, n_neighbors=k)),
        len(rows),
        k,
    )


def overlap(one: NDArray[np.int64], other: NDArray[np.int64], k: int = K) -> NDArray[np.float64]:
    """(points,) share of the k nearest neighbors that a point has in both spaces.

    one, other: (points, at least k) ids of the neighbors, nearest first; of fewer, all are used.
    """
    k = min(k, one.shape[1], other.shape[1])
    both = np.sort(np.hstack([one[:, :k], other[:, :k]]), axis=1)
    return np.asarray((both[:, 1:] == both[:, :-1]).sum(axis=1) / k)


def overlap_interval(
    shared: NDArray[np.floating[Any]], groups: NDArray[np.int64]
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of the mean overlap, within 0 and 1.

    A bootstrap over groups: 1,000 resamples; of more than 5,000 groups fewer, down to 200, as their
    ends differ little.
    shared: (points,) nan where it was not measured. groups: (points,) the query of each point, as
    pairs of one query are not independent. nan with fewer than two groups.
    """
    measured = np.isfinite(shared)
    place = np.unique(groups[measured], return_inverse=True)[1]
    totals = np.bincount(place, shared[measured].astype(np.float64))
    counts = np.bincount(place)
    resamples = int(np.clip(_DRAWN // max(len(counts), 1), 200, 1000))
    draws = resampled(lambda w: (w @ totals / (w @ counts))[:, None], len(counts), resamples, 1)
    mean = np.array([totals.sum() / max(counts.sum(), 1)])
    low, high = interval(draws, mean, Support.of((totals / np.maximum(counts, 1))[:, None]))
    return float(np.clip(low[0], 0, 1)), float(np.clip(high[0], 0, 1))


def shared_geometry(
    one: Space,
    other: Space,
    shared: NDArray[np.float64],
    k: int = K,
    seed: int = 0,
    most: int = SAMPLE,
) -> SharedGeometry:
    """Compare two spaces of the same points, by RSA of a seeded sample of `most` points.

    Linear CKA is of a sample twenty times as large, as its time grows with the points alone.

    shared: (points,) as `overlap` gives it, or of a sample of the points.
    """
    rows = sample(len(one), most, seed)
    many = sample(len(one), 20 * most, seed)
    return SharedGeometry(
        float(shared.mean()),
        min(k, len(one) - 1) / (len(one) - 1),
        linear_cka(one.features[many], other.features[many]),
        rsa(one.features[rows], other.features[rows]),
        len(shared),
        len(many),
        len(rows),
        min(k, len(one) - 1),
    )
