"""Made unit vectors, and the vectors of a small run of two towers."""

import numpy as np
import pytest

from kdcore.retrieval.vectors import AdVectors


def unit(rows: int, width: int, seed: int = 0) -> np.ndarray:
    """(rows, width) float32 unit vectors around a few directions, so that some are near."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(8, width))
    vectors = centers[rng.integers(0, 8, rows)] + 0.5 * rng.normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="session")
def vectors() -> AdVectors:
    return AdVectors(unit(3000, 16), "m" * 16, "a" * 16)


@pytest.fixture(scope="session")
def queries() -> np.ndarray:
    return unit(40, 16, seed=1)
