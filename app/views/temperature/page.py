"""Temperature: what does the student see that the label hides?"""

import streamlit as st

from app import services
from app.shell import lacking
from app.views.temperature import finding, pair, rail, tabs
from app.views.temperature.scene import scene_of


@st.fragment
def _page() -> None:
    board = services.board()
    scene = scene_of(board)
    if scene is None:
        lacking.draw(board)
        return
    if lacking.one_number(board):
        return
    finding.draw(scene)
    left, right = st.columns([1, 2.7], gap="medium")
    with left, st.container(key="temperature_left"):
        pair.draw(scene)
    with right:  # one below the other, so that a projector shows bars, rail and a tab at once
        rail.draw(scene)
        rail.draw_exports(scene)
        tabs.draw(scene)
    rail.draw_data(scene)


_page()
