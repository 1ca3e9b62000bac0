"""Pair by pair, who is right: frames, masks, counts and points of a board.

What depends on the thresholds and the slice takes those of the visitor's state.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from app import state
from app.kit.by_hash import by_hash
from app.services.boards import Board
from app.services.selection import slices
from kdcore.analysis.filters import Filters, Option, option_counts
from kdcore.analysis.outcomes import add_outcomes, score_pairs

UNLABELLED_BYTE = 255


def _thresholds() -> tuple[float, float]:
    now = state.now().compare
    return now.teacher_threshold, now.student_threshold


@by_hash(most=12, on=lambda board: (board, _thresholds()))
def outcomes(board: Board) -> pd.DataFrame:
    """Every pair with its outcome and tags (kdcore.analysis.outcomes); do not change it."""
    return add_outcomes(_scored(board), *_thresholds())


@by_hash(most=4)
def _scored(board: Board) -> pd.DataFrame:
    if board.teacher is None or board.student is None:
        raise ValueError("outcomes need a teacher and a student; look at Board.ready first")
    return score_pairs(
        board.pairs,
        board.teacher.predictions,
        board.student.predictions,
        board.twin.predictions if board.twin else None,
        texts=slices.texts(board),
    )


@by_hash(
    most=24, on=lambda board, filters: (board, _thresholds(), filters, state.now().compare.slice)
)
def passing(board: Board, filters: Filters) -> NDArray[np.bool_]:
    """(pairs,) which pairs the filters and the slice leave."""
    mask = filters.mask(outcomes(board))
    inside = slices.mask(board, state.now().compare.slice)
    return mask if inside is None else mask & inside


@by_hash(
    most=24, on=lambda board, filters: (board, _thresholds(), filters, state.now().compare.slice)
)
def options(board: Board, filters: Filters) -> dict[str, tuple[Option, ...]]:
    """What each filter option would leave under the other filters, inside the slice."""
    inside = slices.mask(board, state.now().compare.slice)
    return option_counts(outcomes(board), filters, board.pairs.scheme.grades, inside)


@by_hash(most=4)
def points(board: Board) -> tuple[str, pa.Table]:
    """Content key and columns x, y, z (the twin, if any), grade of every pair, for a picture."""
    frame = _scored(board)
    columns = {"x": "teacher_p", "y": "student_p", "z": "twin_p"}
    table = {
        name: frame[column].to_numpy(dtype=np.float32)
        for name, column in columns.items()
        if column in frame
    }
    grade = frame["grade"].to_numpy()
    table["grade"] = np.where(grade < 0, UNLABELLED_BYTE, grade).astype(np.uint8)
    hashes = (a.hash if a else "" for a in (board.teacher, board.student, board.twin))
    return "-".join((board.pairs.content_hash[:8], *hashes)), pa.table(table)
