"""Pair by pair, who is right: frames, masks, counts and points of a board, kept by hashes."""

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st
from numpy.typing import NDArray

from app.services.boards import Board
from app.views.compare.queries import slices
from kdcore.analysis.filters import Filters, Option, option_counts
from kdcore.analysis.outcomes import add_outcomes, score_pairs

Keyed = tuple[str, ...]
UNLABELLED_BYTE = 255


def outcome_key(board: Board) -> Keyed:
    """Hashes of the pairs and of all answers on the board; it must be `ready`."""
    who = (board.teacher, board.student, board.twin)
    return (board.pairs.content_hash, *(a.hash if a else "" for a in who))


def judged(board: Board, ct: float, cs: float) -> pd.DataFrame:
    """The outcome of every pair at two thresholds (kdcore.analysis.outcomes); do not change it."""
    return _judged(outcome_key(board), ct, cs, board)


@st.cache_resource(max_entries=12, show_spinner=False)
def _judged(key: Keyed, ct: float, cs: float, _board: Board) -> pd.DataFrame:
    return add_outcomes(_scored(key, _board), ct, cs)


@st.cache_resource(max_entries=4, show_spinner=False)
def _scored(key: Keyed, _board: Board) -> pd.DataFrame:
    teacher, student, twin = _board.teacher, _board.student, _board.twin
    assert teacher is not None  # the board is ready: whoever asks has looked
    assert student is not None
    return score_pairs(
        _board.pairs,
        teacher.predictions,
        student.predictions,
        twin.predictions if twin else None,
        texts=slices.texts(_board),
    )


def kept(
    board: Board, ct: float, cs: float, filters: Filters, slice_name: str = ""
) -> NDArray[np.bool_]:
    """(pairs,) which pairs the filters and a slice (a name of `services.slicing`) leave."""
    return _kept(outcome_key(board), ct, cs, repr(filters), slice_name, board, filters)


@st.cache_resource(max_entries=24, show_spinner=False)
def _kept(
    key: Keyed,
    ct: float,
    cs: float,
    asked: str,
    slice_name: str,
    _board: Board,
    _filters: Filters,
) -> NDArray[np.bool_]:
    inside = slices.mask(_board, slice_name) if slice_name else None
    passing = _filters.mask(_judged(key, ct, cs, _board))
    return passing if inside is None else passing & inside


def options(
    board: Board, ct: float, cs: float, filters: Filters, slice_name: str = ""
) -> dict[str, tuple[Option, ...]]:
    """What each filter option would leave under the others, inside a slice if one is named."""
    return _options(outcome_key(board), ct, cs, repr(filters), slice_name, board, filters)


@st.cache_resource(max_entries=24, show_spinner=False)
def _options(
    key: Keyed,
    ct: float,
    cs: float,
    asked: str,
    slice_name: str,
    _board: Board,
    _filters: Filters,
) -> dict[str, tuple[Option, ...]]:
    inside = slices.mask(_board, slice_name) if slice_name else None
    judged = _judged(key, ct, cs, _board)
    return option_counts(judged, _filters, _board.pairs.scheme.grades, inside)


def points(board: Board) -> tuple[str, pa.Table]:
    """Content key and columns x, y, z (the twin, if any), grade of every pair, for a picture."""
    key = outcome_key(board)
    return "-".join(part[:8] for part in key), _points(key, board)


@st.cache_resource(max_entries=4, show_spinner=False)
def _points(key: Keyed, _board: Board) -> pa.Table:
    frame = _scored(key, _board)
    columns = {"x": "teacher_p", "y": "student_p", "z": "twin_p"}
    table = {
        name: frame[column].to_numpy(dtype=np.float32)
        for name, column in columns.items()
        if column in frame
    }
    grade = frame["grade"].to_numpy()
    table["grade"] = np.where(grade < 0, UNLABELLED_BYTE, grade).astype(np.uint8)
    return pa.table(table)
