"""Losses: what does each loss reward?"""

import streamlit as st

from app import services
from app.shell import lacking
from app.views.losses import attention, cards, finding, measured, numbers, pair, picture, send
from app.views.losses.objective import SIDES, objective
from app.views.losses.queries.values import terms_of
from app.views.losses.scene import scene_of


@st.fragment
def _page() -> None:
    board = services.board()
    scene = scene_of(board)
    if scene is None:
        lacking.draw(board)
        return
    if lacking.one_number(board):
        return
    heads = attention.heads_of(scene) if scene.view == "attention" else None
    maps = heads.maps if isinstance(heads, attention.Heads) else None
    terms = {side: terms_of(scene, objective(side), maps) for side in SIDES}
    if heads is None:
        finding.draw(scene, terms)
    else:
        attention.finding(scene, heads)
    left, right = st.columns([1.9, 1], gap="medium")
    with left:
        pair.draw_view(maps)
        if heads is None:
            picture.draw(scene, terms)
        else:
            attention.draw(scene, heads)
        numbers.draw(scene, terms)
        if heads is None:
            picture.draw_more(scene, terms)
    with right:
        pair.draw(scene)
        send.draw(scene, terms)
        cards.draw(scene, maps)
    measured.draw()


_page()
