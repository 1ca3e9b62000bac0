"""Compare the grades that a judge named with the labels, or with the truth where it is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.evaluation.evaluate import Metric
from kdcore.metrics.kappa import agreement_share, cohen_kappa, grade_table
from kdcore.metrics.significance import Support, few, interval, resampled

Grades = NDArray[np.int64]
_FLOOR = {"accuracy": 0.0, "kappa": -1.0, "weighted_kappa": -1.0}
_DEFINITIONS = {
    "accuracy": ("Same grade", "share of the pairs to which both give the same grade"),
    "kappa": (
        "Cohen's kappa",
        "agreement beyond chance: 1 is full agreement, 0 that of graders who ignore the pair",
    ),
    "weighted_kappa": (
        "Weighted kappa",
        "Cohen's kappa with quadratic weights: the squared distance of the two grades",
    ),
}


@dataclass(frozen=True)
class Agreement:
    """How well a judge agrees with reference grades.

    rater, reference: whose grades are compared with which, in words. metrics: by key. table: rows
    the reference's grades, columns the rater's, worst first. note: a warning on few queries,
    "" without one.
    """

    rater: str
    reference: str
    pairs: int
    queries: int
    metrics: dict[str, Metric]
    table: tuple[tuple[int, ...], ...]
    note: str = ""


def agreements(pairs: PairTable, grades: Grades) -> list[Agreement]:
    """Return a judge's agreement with the labels and with the truth, as far as they are known.

    The truth of a pair is its most probable grade. How well the labels agree with it is added,
    since labels are draws from the truth.

    grades: (pairs,) the judge's, all known.
    """
    compared = []
    if (pairs.grades != UNLABELLED).any():
        compared.append(agreement(pairs, grades, pairs.grades, ("the judge", "the labels")))
    if pairs.truth is not None:
        likeliest = pairs.truth.argmax(axis=1)
        truth = "the most probable true grade"
        compared.append(agreement(pairs, grades, likeliest, ("the judge", truth)))
        if (pairs.grades != UNLABELLED).any():
            compared.append(agreement(pairs, pairs.grades, likeliest, ("the labels", truth)))
    return compared


def agreement(
    pairs: PairTable,
    grades: Grades,
    reference: Grades,
    names: tuple[str, str],
    resamples: int = 1000,
) -> Agreement:
    """Compare (pairs,) grades with (pairs,) reference grades; pairs where one is -1 are left out.

    Intervals are bootstraps over queries, independent of the order of the pairs. names: whose the
    grades are, and what the reference grades are.
    """
    rows = pairs.canonical_rows
    rows = rows[(grades[rows] != UNLABELLED) & (reference[rows] != UNLABELLED)]
    queries, index = np.unique(pairs.take(rows).query_ids, return_inverse=True)
    classes, count = len(pairs.scheme), len(queries)
    cells = index * classes**2 + reference[rows] * classes + grades[rows]
    tables = np.bincount(cells, minlength=count * classes**2).reshape(count, classes**2)

    def measure(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return _values((weights @ tables).reshape(-1, classes, classes))

    values = _values(tables.sum(axis=0).reshape(1, classes, classes))[0]
    draws = resampled(measure, count, resamples, len(values))
    own = agreement_share(tables.reshape(count, classes, classes))[:, None]
    support = Support.of(own).join(Support.whole(count, len(values) - 1))
    low, high = interval(draws, values, support)
    low, high = np.maximum(low, list(_FLOOR.values())), np.minimum(high, 1.0)
    table = grade_table(reference[rows], grades[rows], classes)
    metrics = {
        key: Metric(
            key, title, *ends, len(rows), "pairs", True, f"{meaning}; of {names[0]} with {names[1]}"
        )
        for (key, (title, meaning)), ends in zip(
            _DEFINITIONS.items(),
            zip(values.tolist(), low.tolist(), high.tolist(), strict=True),
            strict=True,
        )
        if key != "weighted_kappa" or classes > 2  # of two grades it is Cohen's kappa
    }
    cells_of = tuple(tuple(row) for row in table.tolist())
    return Agreement(*names, len(rows), count, metrics, cells_of, few(count))


def _values(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (tables, 3) measures in the order of _DEFINITIONS."""
    kappas = (cohen_kappa(tables, weighted) for weighted in (False, True))
    return np.column_stack([agreement_share(tables), *kappas])
