"""Compare's pair in full: card, nearest counterfactual, a pinned pair and a second student."""

from functools import partial

import pandas as pd
import streamlit as st

from app import services, state
from app.kit.texts import pair_number
from app.services import Board
from app.views.compare import notes, selection
from app.views.compare.parts.pair_card import pair_cards
from app.views.compare.queries.pair_cards import card_of


def draw(board: Board, rows: pd.DataFrame) -> None:
    """The pair in focus, beside it the pinned one, and the visitor's note on it."""
    row = selection.primary(board)
    if row < 0:
        return
    inside = bool((rows["row"] == row).any())
    pin = state.now().pinned if 0 <= state.now().pinned < len(board.pairs) else -1
    heading = f"Pair {pair_number(row)}" + (", pinned" if pin == row else "")
    heading += "" if inside else " (outside the present filters)"
    with st.container(horizontal=True, vertical_alignment="bottom", key="pair_actions"):
        _actions(row, pin)
        _second_student(board)
    cards = [card_of(board, row, heading)]
    if pin not in (-1, row):
        cards.append(card_of(board, pin, f"Pair {pair_number(pin)}, pinned"))
    left, right = st.columns([3.2, 1], gap="medium")
    with left, st.container(key="pair_in_full"):
        pair_cards(cards, "pair_cards", "The pair in focus" + " and the pinned" * (len(cards) - 1))
    with right:
        notes.form(board, row)


def _actions(row: int, pin: int) -> None:
    if pin != row:
        st.button(
            "Pin this pair",
            icon=":material/keep:",
            on_click=partial(state.change, pinned=row),
            help="Keeps this pair on the page beside every other pair that you open.",
        )
    if pin >= 0:
        st.button(
            "Unpin" if pin == row else f"Unpin pair {pair_number(pin)}",
            icon=":material/keep_off:",
            on_click=partial(state.change, pinned=-1),
        )
    st.button(
        "Edit and score again",
        icon=":material/edit:",
        on_click=partial(state.change, compare={"tab": "edit"}),
        help="Edit its words below and let the models score them.",
    )


def _second_student(board: Board) -> None:
    """A second student beside the first, of all that answered these pairs."""
    shown = {a.key for a in (board.teacher, board.student) if a}
    titles = {s.key: s.title for s in services.sources_on(board.all_pairs) if s.key not in shown}
    if not titles:
        return
    present = state.now().rival
    st.session_state["w_rival_card"] = present if present in titles else ""
    st.selectbox(
        "Second student",
        ["", *titles],
        format_func=lambda key: titles.get(key, "none"),
        key="w_rival_card",
        on_change=lambda: state.change(rival=st.session_state["w_rival_card"]),
        width=300,
        help="Adds a column to every card and to the CSV of pairs, and a mark and a difference to "
        "each metric at the top: two students on the same pairs.",
    )
