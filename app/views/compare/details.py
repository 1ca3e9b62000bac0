"""Compare below its picture: table, pair in full, and, in tabs, what asks for a closer look."""

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.services import Board
from app.views.compare import pair, table

TABS = {
    "slices": "Slices",
    "calibration": "Calibration",
    "edit": "Edit and score",
    "notes": "Notes",
}


def draw(board: Board, rows: pd.DataFrame) -> None:
    """Everything on the selected rows; of the tabs only the open one is computed, or imported."""
    st.subheader("Disagreements, pair by pair", anchor=False)
    table.draw(board, rows)
    pair.draw(board, rows)
    st.subheader("A closer look", anchor=False)
    controls.choose("compare.tab", "Closer look", TABS)
    match state.now().compare.tab:
        case "slices":
            from app.views.compare.slices import draw as draw_tab
        case "calibration":
            from app.views.compare.calibration import draw as draw_tab
        case "edit":
            from app.views.compare.edit import draw as draw_tab
        case _:
            from app.views.compare.notes import draw as draw_tab
    draw_tab(board, rows)
