"""Data: what are these pairs, what can they show, and how are own ones imported?"""

from importlib import import_module

import streamlit as st

from app import controls, frame, services, state
from app.panels import data_part, data_source

TABS = {
    "standing": "Overview",
    "teacher": "Teacher against labels",
    "bring": "Bring your own",
    "score": "Score and answers",
}
board = services.board()
frame.finding(data_source.finding(board))
with st.container(horizontal=True, vertical_alignment="center", key="data_tabs"):
    controls.choose("dtab", "Part of the page", TABS)
    data_part.draw(board)
# only the open part is imported and run; the state lets no other name through
part = import_module(f"app.panels.data_{state.now().dtab}")
part.draw(board)
