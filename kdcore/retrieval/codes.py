"""Store vectors in 8 bits or 1 bit per dimension, and search them.

A range is measured on the vectors of the ads or is fixed; it never depends on a query. A search
compares a float query with decoded vectors: raw codes would drop the scale of each dimension.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import lookup
from kdcore.retrieval.exact import Ids, best_first, cosines_of, exact_top
from kdcore.retrieval.vectors import Vectors

Way = Literal["int8", "int8_one_scale", "int8_fixed_range", "bits"]
WAYS: dict[str, str] = {
    "int8": "8 bits, the range of each dimension measured",
    "int8_one_scale": "8 bits, one range for all dimensions",
    "int8_fixed_range": "8 bits, (v + 1) * 255 / 2: the range [-1, 1] for all, as TextGNN stores",
    "bits": "1 bit: the sign of each dimension",
}
_LEVELS = 255


@dataclass(frozen=True)
class Codes:
    """codes: (ads, width) uint8 levels, or (ads, bytes) packed signs. low, step: (width,)."""

    codes: NDArray[np.uint8]
    low: Vectors
    step: Vectors
    way: Way

    @property
    def bytes_per_ad(self) -> int:
        """The bytes of one ad, without the ranges that all ads share."""
        return int(self.codes.shape[1])

    def decode(self) -> Vectors:
        """(ads, width) float32 vectors, no longer of unit length."""
        if self.way == "bits":
            signs = np.unpackbits(self.codes, axis=1, count=len(self.low))
            return signs.astype(np.float32) * 2 - 1
        return self.codes.astype(np.float32) * self.step + self.low


def encode(vectors: Vectors, way: Way) -> Codes:
    """Store (ads, width) unit vectors in 8 bits or 1 bit per dimension."""
    lookup(WAYS, way, "way to store vectors")
    width = vectors.shape[1]
    if way == "bits":
        ones = np.ones(width, dtype=np.float32)
        return Codes(np.packbits(vectors > 0, axis=1), -ones, 2 * ones, way)
    low, high = _RANGES[way](vectors)
    step = np.maximum(high - low, np.finfo(np.float32).tiny) / _LEVELS
    levels = np.rint((vectors - low) / step).clip(0, _LEVELS).astype(np.uint8)
    return Codes(levels, low, step.astype(np.float32), way)


def _each(vectors: Vectors) -> tuple[Vectors, Vectors]:
    return vectors.min(axis=0), vectors.max(axis=0)


def _one(vectors: Vectors) -> tuple[Vectors, Vectors]:
    most = np.full(vectors.shape[1], np.abs(vectors).max(), dtype=np.float32)
    return -most, most


def _fixed(vectors: Vectors) -> tuple[Vectors, Vectors]:
    ones = np.ones(vectors.shape[1], dtype=np.float32)
    return -ones, ones


_RANGES: dict[str, Callable[[Vectors], tuple[Vectors, Vectors]]] = {
    "int8": _each,
    "int8_one_scale": _one,
    "int8_fixed_range": _fixed,
}


def coded_top(
    codes: Codes, vectors: Vectors, queries: Vectors, k: int, rescored: int = 0
) -> tuple[Ids, Vectors]:
    """Search the decoded vectors, then order the best `rescored` by float cosine (0: do not).

    Returns (queries, k) ids and scores; see exact_top.
    """
    ids, scores = exact_top(codes.decode(), queries, max(k, rescored))
    if rescored:
        ids, scores = best_first(ids, cosines_of(ids, vectors, queries))
    return ids[:, :k], scores[:, :k]
