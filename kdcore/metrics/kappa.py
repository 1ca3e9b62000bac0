"""Measure how well two graders agree, from a table that counts the grades of both.

All functions take (..., classes, classes) counts or weights, rows one grader and columns the
other, and return (...) values; nan where the table is empty or leaves no agreement to chance.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def grade_table(rows: NDArray[Any], columns: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Count (classes, classes) pairs by the (pairs,) grades of two graders."""
    cells = np.asarray(rows) * classes + np.asarray(columns)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def agreement_share(table: NDArray[Any]) -> Floats:
    """Return the share of the pairs to which both give the same grade: accuracy."""
    counts = np.asarray(table, dtype=np.float64)
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def cohen_kappa(table: NDArray[Any], weighted: bool = False) -> Floats:
    """Return Cohen's kappa: 1 for full agreement, 0 for that of graders who ignore the pair.

    1 - (observed disagreement) / (disagreement by chance), where chance draws the grades of both
    independently, each in its own proportions (Cohen 1960, doi:10.1177/001316446002000104).

    weighted: a disagreement counts by the squared distance of the grades (Cohen 1968,
        doi:10.1037/h0026256), else every disagreement counts 1.
    """
    counts = np.asarray(table, dtype=np.float64)
    grade = np.arange(counts.shape[-1], dtype=np.float64)
    distance = np.abs(grade[:, None] - grade)
    weights = distance**2 if weighted else (distance > 0).astype(np.float64)
    by_row, by_column = counts.sum(axis=-1), counts.sum(axis=-2)
    observed = (weights * counts).sum(axis=(-2, -1)) * counts.sum(axis=(-2, -1))
    chance = np.einsum("...i,ij,...j->...", by_row, weights, by_column)
    return 1.0 - _ratio(observed, chance)


def _ratio(part: Floats, whole: Floats) -> Floats:
    undefined = np.full(np.shape(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=undefined, where=whole > 0))
