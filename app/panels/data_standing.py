"""The cards of the data check, and the rows of the open one."""

import streamlit as st

from app import controls, services, state
from app.components.data_cards import data_cards
from app.panels import data_source, data_table
from app.services import Board
from app.services import data_standing as standing
from kdcore.datacards import data_cards as cards_of
from kdcore.datarows import CARDS
from kdcore.pairs import ALL


def draw(board: Board) -> None:
    """Part, source, cards, rows."""
    choice, offered = board.data, standing.parts(board.data)
    here = standing.on_pages(board)
    part = standing.shown_part(choice, state.now().dsplit, here)
    on = standing.standing_of(choice, part)
    left, right = st.columns([2.2, 1], gap="medium")
    with left:
        data_source.draw(board, on)
    with right:
        _parts(offered, here)
    data_source.missing(board)
    opened = state.now().dcard if state.now().dcard in CARDS else ""
    cards = cards_of(on)
    data_cards(cards, opened, _open)
    if opened:
        card = next(card for card in cards if card.key == opened)
        table = standing.rows(choice, part, opened)
        data_table.draw(board, table, f"{card.title}: {card.definition}", linked=part == here)
    elif services.public():
        st.caption(services.PUBLIC_REASON)


def _parts(offered: list[str], here: str) -> None:
    if len(offered) < 2:
        return
    names = {"": f"what the pages show ({here})"}
    names |= {s: "the whole data set" if s == ALL else s for s in offered if s != here}
    if state.now().dsplit not in names:
        state.change(dsplit="")
    controls.bound(
        st.selectbox,
        "dsplit",
        "Cards of",
        options=list(names),
        format_func=lambda key: names[key],
    )


def _open(key: str) -> None:
    state.change(dcard=key, dpage=1)
