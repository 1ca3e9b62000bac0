"""Compare: where did distillation lose, and does it matter?"""

import streamlit as st

from app import frame, services
from app.panels import (
    caveats,
    compare_cards,
    compare_density,
    compare_details,
    compare_filters,
    compare_report,
    compare_selection,
    lacking,
)
from app.texts import md

board = services.board()
if not board.ready:
    lacking.draw(board)
else:
    if compare_selection.announce(board):
        st.rerun()  # a link was opened: the top bar is drawn already, and nothing else yet
    frame.finding(compare_selection.finding(board), board)
    if scores := caveats.of_thresholds(board):
        st.caption(md(scores))
    cards = compare_cards.place(board)
    rail, main = st.columns([1, 3.6], gap="medium")
    with rail:
        compare_filters.draw(board)
    with main:
        compare_density.draw(board)
    compare_cards.fill(board, cards)
    compare_report.put(board)
    compare_details.draw(board, compare_selection.selected(board))
