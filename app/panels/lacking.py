"""What a page shows while answers are missing: which, and the ways to get them."""

import streamlit as st

from app import frame, services, state
from app.services import Board
from app.texts import md


def draw(board: Board) -> None:
    """One finding, one hint and two buttons, alike on every page."""
    frame.finding(services.missing(board))
    st.info(md(services.MISSING_HINT), icon=":material/bolt:")
    with st.container(horizontal=True, key="lacking"):
        if st.button("Open Score and answers", type="primary", key="lacking_data"):
            state.change(dtab="score")
            st.switch_page("views/data.py")
        if board.data.key != services.DEMO_DATA:
            st.button("Show the bundled world", on_click=_world, key="lacking_world")


def _world() -> None:
    state.stand_on(services.DEMO_DATA)
