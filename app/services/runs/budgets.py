"""What a comparison of a student with its twin has to say besides the teacher, on every page."""

import streamlit as st

from app.services.boards import Board
from kdcore.judging.caveats import caveats
from kdcore.runs.store import Run


def unequal(student: Run | None, twin: Run | None) -> tuple[str, ...]:
    """Sentences on other steps, other pairs, or an early end; none for equals or without a run."""
    if student is None or twin is None:
        return ()
    states = (student.status().state, twin.status().state)
    return _unequal((str(student.folder), str(twin.folder), *states), student, twin)


@st.cache_data(max_entries=500, show_spinner=False)
def _unequal(key: tuple[str, ...], _student: Run, _twin: Run) -> tuple[str, ...]:
    return caveats(_student, _twin)


def of_board(board: Board) -> tuple[str, ...]:
    """The same of the pair of runs that the pages compare."""
    student, twin = board.student, board.twin
    return unequal(student.run if student else None, twin.run if twin else None)
