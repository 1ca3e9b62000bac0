"""Random numbers that stay the same: raw PCG64 words under spawn keys, turned into uniforms here.

NumPy promises the raw stream of a bit generator across versions, not the methods of Generator.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STYLES = 27_720
"""Style numbers are 0..STYLES-1; it divides by 1..12, so `style % n` is fair for short lists."""


class Draws:
    """One random stream of the world; its `key` makes it independent of all others."""

    def __init__(self, seed: int, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key))

    def uniform(self, *shape: int) -> Floats:
        """Draw numbers in [0, 1) of this shape, with 53 bits."""
        raw = self._bits.random_raw(int(np.prod(shape))).reshape(shape)
        return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def styles(self, *shape: int) -> Ints:
        """Draw whole numbers in 0..STYLES-1 that choose between wordings."""
        return (self.uniform(*shape) * STYLES).astype(np.int64)

    def chance(self, n: int, percent: float | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Draw (n,) booleans, True with this percentage."""
        return np.less(self.uniform(n) * 100.0, percent)


def zipf(n: int, exponent: float, offset: float = 0.0) -> Floats:
    """Return (n,) cumulative Zipf-Mandelbrot shares of ranks 1..n; an offset flattens the head."""
    weight = 1.0 / (np.arange(1, n + 1, dtype=np.float64) + offset) ** exponent
    return cumulative(weight)


def cumulative(weight: Sequence[float] | Floats) -> Floats:
    """Return cumulative shares along the last axis, the last one 1."""
    total = np.cumsum(np.asarray(weight, dtype=np.float64), axis=-1)
    return np.round(total / total[..., -1:], 9)


def choose(cumulated: Floats, u: Floats) -> Ints:
    """Return (n,) indices by cumulative shares, one list for all rows (1-D) or one per row."""
    if cumulated.ndim == 1:
        index = np.searchsorted(cumulated, u, side="right").astype(np.int64)
    else:
        index = (u[:, None] >= cumulated).sum(axis=1, dtype=np.int64)
    return np.asarray(np.minimum(index, cumulated.shape[-1] - 1), dtype=np.int64)
