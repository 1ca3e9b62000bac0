"""Temperature: what does the student see that the label hides?"""

import streamlit as st

from app import services
from app.panels import lacking
from app.panels import temperature_finding as finding
from app.panels import temperature_pair as pair
from app.panels import temperature_rail as rail
from app.panels import temperature_tabs as tabs
from app.panels.temperature_world import scene_of


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
