"""The nearest neighbors of every point in its own space, by Euclidean distance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.projection.spaces import Space
from kdcore.stops import heed

Ids = NDArray[np.int64]
EXACT_UP_TO = 20_000  # points; above, an index of faiss finds the neighbors where it is installed
PROBES = 32  # lists of the index that are searched
_BLOCK = 1 << 24  # distances held at a time
_SPARE = 16  # candidates beyond k whose distances are computed again in double precision
_GROUPS = 8  # groups of columns for each of the smallest values that are sought


def nearest(space: Space, k: int, of: Ids | None = None) -> tuple[Ids, NDArray[np.float32]]:
    """Return (points, k) ids and distances of the nearest other points, nearest first.

    of: (rows,) the points whose neighbors are looked for, exactly; None looks for those of all.
    Of equal distances the lower id comes first. With more than 20,000 points an approximate index
    is used where faiss is installed; it finds 98 % and more of them on the world's features.
    """
    points = np.ascontiguousarray(space.features - space.features.mean(axis=0), dtype=np.float32)
    k = min(k, len(points) - 1)
    candidates = min(k + 1 + _SPARE, len(points))
    rows = np.arange(len(points)) if of is None else of
    if of is None and len(points) > EXACT_UP_TO:
        approximate = _by_index(points, candidates)
        if approximate is not None:
            return _in_order(points, rows, approximate, k)
    step = max(1, _BLOCK // len(points))
    blocks = [
        _block(points, rows[start : start + step], candidates)
        for start in range(0, len(rows), step)
    ]
    return _in_order(points, rows, np.concatenate(blocks), k)


def _block(points: NDArray[np.float32], rows: Ids, candidates: int) -> Ids:
    """(rows, candidates) ids of near points, in no order, of some rows."""
    heed()
    if candidates == len(points):
        return np.tile(np.arange(len(points)), (len(rows), 1))
    distances = (-2 * points[rows]) @ points.T
    distances += np.einsum("nd,nd->n", points, points)
    return smallest(distances, candidates)


def smallest(values: NDArray[np.float32], count: int) -> Ids:
    """(rows, count) places of the smallest values of each row, in no order.

    The smallest of each of many groups of columns is found first. The count-th smallest of these is
    a bound of the values sought, so that few are looked at again. NumPy's own selection takes ten
    times as long.
    """
    width, groups = values.shape[1], _GROUPS * count
    if width < 4 * groups:
        return _by_partition(values, count)
    # the columns of a group lie far apart, since near points often stand together in a table
    least = values[:, : width // groups * groups].reshape(len(values), -1, groups).min(axis=1)
    bound = np.partition(least, count - 1, axis=1)[:, count - 1 : count]
    rows, places = np.divmod(np.flatnonzero(values <= bound), width)
    counts = np.bincount(rows, minlength=len(values))
    plain = (counts >= count) & (counts <= groups)  # else many are equal, or some are nan
    ids = np.empty((len(values), count), dtype=np.int64)
    ids[~plain] = _by_partition(values[~plain], count)
    of_plain = plain[rows]
    rows, places = rows[of_plain], places[of_plain]
    start = np.cumsum(np.where(plain, counts, 0)) - counts  # of a row's places among all of them
    nth = np.arange(len(rows)) - start[rows]
    shape = len(values), counts[plain].max(initial=count)
    near, of = np.full(shape, np.inf, dtype=np.float32), np.zeros(shape, dtype=np.int64)
    near[rows, nth], of[rows, nth] = values[rows, places], places
    ids[plain] = np.take_along_axis(of[plain], _by_partition(near[plain], count), axis=1)
    return ids


def _by_partition(values: NDArray[np.float32], count: int) -> Ids:
    """The same by NumPy's selection. The result is a copy: a view would keep all of the places."""
    return np.argpartition(values, count - 1, axis=1)[:, :count].copy()


def _by_index(points: NDArray[np.float32], candidates: int) -> Ids | None:
    try:
        import faiss
    except ImportError:
        return None
    lists = int(2 ** round(np.log2(4 * np.sqrt(len(points)))))
    index: Any = faiss.index_factory(points.shape[1], f"IVF{lists},Flat")
    index.train(points)
    index.add(points)
    index.nprobe = min(PROBES, lists)
    heed()
    ids: Ids = index.search(points, candidates)[1]
    rows = np.arange(len(points))[:, None]
    return np.where(ids < 0, rows, ids)  # a point stands for what was not found: dropped below


def _in_order(
    points: NDArray[np.float32], rows: Ids, ids: Ids, k: int
) -> tuple[Ids, NDArray[np.float32]]:
    """Sort candidates by exact distance, then id, and leave each point itself out."""
    best, lengths = np.empty((len(ids), k), np.int64), np.empty((len(ids), k), np.float32)
    step = max(1, _BLOCK // (ids.shape[1] * points.shape[1]))
    for start in range(0, len(ids), step):
        heed()
        part = slice(start, start + step)
        some, own = np.sort(ids[part], axis=1), rows[part, None]
        difference = points[some].astype(np.float64) - points[own].astype(np.float64)
        squared = np.einsum("nkd,nkd->nk", difference, difference)
        squared[some == own] = np.inf
        order = np.argsort(squared, axis=1, kind="stable")[:, :k]
        best[part] = np.take_along_axis(some, order, 1)
        lengths[part] = np.sqrt(np.take_along_axis(squared, order, 1))
    return best, lengths
