"""Temperature: what does the student see that the label hides?"""

import streamlit as st

from app import services
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
        finding.missing(board)
        return
    finding.draw(scene)
    left, right = st.columns([1, 2.7], gap="medium")
    with left:
        pair.draw(scene)
    with right:
        rail.draw(scene)
    rail.draw_exports(scene)
    rail.draw_data(scene)
    tabs.draw(scene)


_page()
