"""UMAP of two spaces: the second map starts at the first, so that both can be compared.

McInnes et al. 2018 (arXiv:1802.03426), by umap-learn, on neighbors that are found once. Starting
the second layout at the first one with a small learning rate makes two maps comparable at a
seventieth of AlignedUMAP's time; what moves on them is still mostly chance. So a map is never
colored by displacement, only by neighbors that were really lost.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import ConfigError
from kdcore.projection.pca import pca_map
from kdcore.projection.spaces import Points, Space

NEIGHBORS = 15
EPOCHS = 200
SECOND_EPOCHS, SECOND_RATE = 100, 0.1
_SPREAD = 10.0  # the start's largest coordinate
Graph = tuple[NDArray[np.int64], NDArray[np.float32]]


def first_layout(space: Space, graph: Graph, seed: int = 0) -> Points:
    """(points, 2) places, starting from PCA; bit-equal for equal features, graph and seed."""
    start = pca_map(space)[0]
    start = start / np.abs(start).max() * _SPREAD
    return _umap(space, graph, start, EPOCHS, 1.0, seed)


def second_layout(space: Space, graph: Graph, first: Points, seed: int = 0) -> Points:
    """(points, 2) places of the same points in another space, laid onto the first map."""
    places = _umap(space, graph, first, SECOND_EPOCHS, SECOND_RATE, seed)
    return onto(places, first)


def onto(places: Points, first: Points) -> Points:
    """Move, turn or mirror, and scale a map as a whole to match another best (Procrustes)."""
    a = places.astype(np.float64) - places.mean(axis=0)
    b = first.astype(np.float64) - first.mean(axis=0)
    u, values, vt = np.linalg.svd(a.T @ b)
    scale = values.sum() / max(float((a * a).sum()), np.finfo(float).tiny)
    return np.asarray(scale * (a @ u @ vt) + first.mean(axis=0), dtype=np.float32)


def turned(places: Points, first: Points) -> Points:
    """Turn or mirror a map as a whole to match another best, and give it the same spread.

    For maps that did not start at each other: where they share little, `onto` would shrink one.
    """
    a = places.astype(np.float64) - places.mean(axis=0)
    b = first.astype(np.float64) - first.mean(axis=0)
    u, _, vt = np.linalg.svd(a.T @ b)
    scale = np.linalg.norm(b) / max(float(np.linalg.norm(a)), np.finfo(float).tiny)
    return np.asarray(scale * (a @ u @ vt) + first.mean(axis=0), dtype=np.float32)


def _umap(space: Space, graph: Graph, start: Points, epochs: int, rate: float, seed: int) -> Points:
    try:
        import umap
    except ImportError:
        raise ConfigError(
            "UMAP needs umap-learn: pip install umap-learn. PCA works without."
        ) from None
    ids, distances = graph
    # umap counts a point as its own first neighbor
    rows = np.arange(len(ids))[:, None]
    neighbors: Any = (
        np.hstack([rows, ids]).astype(np.int64),
        np.hstack([np.zeros((len(ids), 1)), distances]).astype(np.float32),
    )
    model = umap.UMAP(
        n_neighbors=min(ids.shape[1] + 1, len(ids) - 1),  # as umap itself does, with a warning
        precomputed_knn=neighbors,
        init=np.ascontiguousarray(start, dtype=np.float32),
        n_epochs=epochs,
        learning_rate=rate,
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():  # that points can be added later is not needed
        warnings.filterwarnings("ignore", r"precomputed_knn\[2\]", UserWarning)
        return np.asarray(model.fit_transform(space.features), dtype=np.float32)
