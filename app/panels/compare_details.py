"""Compare below its picture: table, pair in full, and, in tabs, what asks for a closer look."""

import importlib

import pandas as pd
import streamlit as st

from app import controls, state
from app.panels import compare_pair, compare_table
from app.services import Board

TABS = {
    "slices": "Slices",
    "calibration": "Calibration",
    "edit": "Edit and score",
    "notes": "Notes",
}


def draw(board: Board, rows: pd.DataFrame) -> None:
    """Everything on the selected rows; of the tabs only the open one is worked out."""
    st.subheader("Disagreements, pair by pair", anchor=False)
    compare_table.draw(board, rows)
    compare_pair.draw(board, rows)
    st.subheader("A closer look", anchor=False)
    controls.choose("ctab", "Closer look", TABS)
    importlib.import_module(f"app.panels.compare_{state.now().ctab}").draw(board, rows)
