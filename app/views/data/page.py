"""Data: what are these pairs, what can they show, and how are own ones imported?"""

from collections.abc import Callable

import streamlit as st

from app import services, state
from app.kit import controls
from app.shell import frame
from app.views.data import part, source

TABS = {
    "standing": "Overview",
    "teacher": "Teacher against labels",
    "bring": "Bring your own",
    "score": "Score and answers",
}


def open_part() -> Callable[[services.Board], None]:
    """The function that draws the open part; the others are not even imported."""
    match state.now().data.tab:
        case "standing":
            from app.views.data.standing import draw
        case "teacher":
            from app.views.data.teacher import draw
        case "bring":
            from app.views.data.bring import draw
        case _:
            from app.views.data.score import draw
    return draw


board = services.board()
frame.finding(source.finding(board))
with st.container(horizontal=True, vertical_alignment="center", key="data_tabs"):
    controls.choose("data.tab", "Part of the page", TABS)
    part.draw(board)
open_part()(board)
