"""Data: what are these pairs, what can they show, and how are own ones imported?"""

from importlib import import_module

import streamlit as st

from app import services, state
from app.kit import controls
from app.shell import frame
from app.views.data import part as data_part
from app.views.data import source

TABS = {
    "standing": "Overview",
    "teacher": "Teacher against labels",
    "bring": "Bring your own",
    "score": "Score and answers",
}
board = services.board()
frame.finding(source.finding(board))
with st.container(horizontal=True, vertical_alignment="center", key="data_tabs"):
    controls.choose("data.tab", "Part of the page", TABS)
    data_part.draw(board)
# only the open part is imported and run; the state lets no other name through
part = import_module(f"app.views.data.{state.now().data.tab}")
part.draw(board)
