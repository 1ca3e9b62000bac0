"""What near means in a space: of the same query, or equally relevant?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdcore.projection.neighbors import nearest
from kdcore.projection.quality import K
from kdcore.projection.spaces import Space, sample

SAMPLE = 300  # points whose neighbors are looked at


@dataclass(frozen=True)
class Near:
    """What a point shares with its k nearest, over n sampled points.

    same_query: share of its neighbors that have its query. relevance: mean difference of
    P(relevant) to its neighbors. Each beside what random other points have. dimensions: how many
    directions the points spread in, the participation ratio (sum of variances)² / sum of squares.
    """

    same_query: float
    same_query_by_chance: float
    relevance: float
    relevance_by_chance: float
    dimensions: float
    n: int
    k: int


def near(
    space: Space,
    query_ids: NDArray[np.int64],
    relevance: NDArray[np.floating],
    most: int = SAMPLE,
    seed: int = 0,
) -> Near:
    """Look at the neighbors of sampled points. query_ids, relevance: (points,)."""
    of = sample(len(space), most, seed)
    ids = nearest(space, K, of)[0]
    others = np.random.default_rng(seed).integers(0, len(space), ids.shape)
    own = of[:, None]
    others = np.where(others == own, (others + 1) % len(space), others)
    centered = space.features[of] - space.features.mean(axis=0)
    variances = np.linalg.svd(centered, compute_uv=False).astype(np.float64) ** 2
    return Near(
        float((query_ids[ids] == query_ids[own]).mean()),
        float((query_ids[others] == query_ids[own]).mean()),
        float(np.abs(relevance[ids] - relevance[own]).mean()),
        float(np.abs(relevance[others] - relevance[own]).mean()),
        float(variances.sum() ** 2 / max(float((variances**2).sum()), 1e-300)),
        len(of),
        ids.shape[1],
    )
