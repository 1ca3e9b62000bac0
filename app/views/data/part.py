"""Which part of a data set the pages look at: a split, or all of it."""

import streamlit as st

from app import state
from app.services import Board, boards, standing
from kdcore.data.pairs import ALL

_KEY = "data_part"


def draw(board: Board) -> None:
    """The chooser; nothing where there is one part only."""
    parts = standing.parts(board.data)
    if len(parts) < 2:
        return
    titles = {part: part for part in parts} | {ALL: "all"}
    if boards.is_cut_by_runs(board.data):
        titles[boards.TEST] = "test, as held out by runs"
    st.session_state[_KEY] = standing.on_pages(board)
    st.selectbox(
        "Split used on all pages",
        parts,
        format_func=lambda part: "Split used on all pages: " + titles[part],
        key=_KEY,
        on_change=_choose,
        label_visibility="collapsed",
        width=300,
    )


def _choose() -> None:
    """Another part has other rows and queries: what was selected is let go."""
    now = state.now()
    state.stand_on(
        now.data_set,
        data={"split": st.session_state[_KEY]},
        teacher=now.teacher,
        student=now.student,
        rival=now.rival,
    )
