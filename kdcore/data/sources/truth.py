"""Check the truth columns of a file: the exact P(grade | query, ad)."""

import numpy as np
import pandas as pd

from kdcore.data.files.problems import unreadable
from kdcore.data.pairs import TRUTH_PREFIX
from kdcore.labels import LabelScheme

_SUM_SLACK = 1e-3  # what a file of rounded numbers may be away from 1


def truth_faults(truth: pd.DataFrame, scheme: LabelScheme, file: str) -> dict[int, tuple[str, str]]:
    """Check each row's truth: row number from 1 -> (what is wrong, what to do), bad rows only.

    truth: (rows, ...) the columns truth_0, truth_1, ... of the file. DataError when they are not
    one for each grade.
    """
    if not len(truth.columns):
        return {}
    columns = [f"{TRUTH_PREFIX}{grade}" for grade in range(len(scheme))]
    if set(truth.columns) != set(columns):
        what = f"its truth is in {', '.join(sorted(truth.columns))}, where the data has "
        what += f"{len(scheme)} grades ({', '.join(scheme.grades)})"
        cure = f"write {columns[0]} to {columns[-1]}, one per grade, or rename these columns"
        raise unreadable(file, what, cure)
    values = truth[columns].to_numpy(dtype=np.float64)
    finite = np.isfinite(values).all(axis=1)
    inside = finite & ((values >= 0) & (values <= 1)).all(axis=1)
    totals = np.where(inside, values.sum(axis=1), 0.0)
    bad = np.flatnonzero(~inside | (np.abs(totals - 1) > _SUM_SLACK)).tolist()
    return {row + 1: _fault(finite[row], inside[row], totals[row]) for row in bad}


def _fault(finite: bool, inside: bool, total: float) -> tuple[str, str]:
    cure = "give the probability of each grade, summing to 1"
    if not finite:
        return "its truth is not a finite number", cure
    return ("its truth is outside 0 to 1" if not inside else f"its truth sums to {total:.4g}"), cure
