"""Vectors in two dimensions: principal components of both models, one turned onto the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.kit.by_hash import by_hash

Floats = NDArray[np.float64]
# where a model stores no vectors: four points of a teacher, and a student that has two wrong
_INVENTED = (
    np.array([[1.0, 0.3], [0.2, 1.0], [-0.9, 0.4], [-0.3, -1.1]]),
    np.array([[0.5, 0.9], [0.7, 0.2], [-0.8, -0.3], [-0.1, -0.7]]),
)


@dataclass(frozen=True)
class Picture:
    """(points, 2) vectors of teacher, student and twin; twin None without one.

    shares: of each model's variance, how much the two dimensions keep. invented: no real vectors.
    """

    points: tuple[Floats, Floats, Floats | None]
    shares: tuple[float, ...] = ()
    invented: bool = False


def picture_of(features: Sequence[NDArray[np.float32] | None], rows: NDArray[np.int64]) -> Picture:
    """The pairs at `rows` as points, from the (pairs, width) features of teacher, student, twin."""
    shown = [None if each is None else each[rows].astype(np.float64) for each in features]
    if shown[0] is None or shown[1] is None or len(rows) < 3:
        return Picture((*_INVENTED, None), invented=True)
    return _project(shown[0], shown[1], shown[2])


@by_hash(most=40)
def _project(teacher: Floats, student: Floats, twin: Floats | None) -> Picture:
    points, share = _components(teacher)
    student_points, student_share = _components(student)
    twin_points = None if twin is None else _turned(_components(twin)[0], points)
    return Picture((points, _turned(student_points, points), twin_points), (share, student_share))


def _components(vectors: Floats) -> tuple[Floats, float]:
    """The first two principal components, of mean length 1, and the share of variance kept."""
    left, sizes, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    points = left[:, :2] * sizes[:2]
    length = np.linalg.norm(points, axis=1).mean()
    whole = float((sizes**2).sum())
    share = float((sizes[:2] ** 2).sum()) / whole if whole else 1.0
    return points / (length or 1.0), share


def _turned(points: Floats, target: Floats) -> Floats:
    """The points, rotated or mirrored so that they come closest to the target (Procrustes)."""
    left, _, right = np.linalg.svd(points.T @ target)
    return np.asarray(points @ left @ right)
