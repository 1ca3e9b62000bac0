"""Pairs: the same pairs in the spaces of two models."""

import streamlit as st

from app.services import Board
from app.shell import frame
from app.views.map import colors, finding, models, numbers, picture, selection
from app.views.map.scene import Scene, scene_of
from kdcore.errors import DataError


def draw(board: Board) -> None:
    """The finding, both maps with their choices, and their numbers; or why there are none."""
    if selection.announce(board):
        st.rerun()  # a link was opened: the top bar is drawn already, and nothing else yet
    try:
        scene = scene_of(board)
    except DataError as cause:
        scene = str(cause)
    if isinstance(scene, Scene):
        _draw(scene)
        return
    models.draw_without_maps(board, scene)


def _draw(scene: Scene) -> None:
    sentence = finding.sentence(scene)
    frame.finding(sentence)
    models.draw(scene.board)
    if set(scene.names) == {"the twin", "the student"}:
        st.caption(models.WHY_TWIN)
    picture.draw(scene, sentence)
    selection.draw(scene)
    numbers.draw(scene)
    with st.expander("Why no color shows how far a point moved"):
        st.text(colors.NEVER)
