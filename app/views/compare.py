"""Compare: where did distillation lose, and does it matter?"""

import streamlit as st

from app import frame, services
from app.panels import (
    compare_cards,
    compare_density,
    compare_details,
    compare_filters,
    compare_report,
    compare_selection,
)

board = services.board()
if not board.ready:
    frame.finding("There are no answers of a teacher and a student to these pairs yet.")
    st.page_link("views/data.py", label="Score them, or bring predictions, on the Data page")
else:
    if compare_selection.announce(board):
        st.rerun()  # a link was opened: the top bar is drawn already, and nothing else yet
    frame.finding(compare_selection.finding(board))
    cards = compare_cards.place(board)
    rail, main = st.columns([1, 3.6], gap="medium")
    with rail:
        compare_filters.draw(board)
    with main:
        compare_density.draw(board)
    compare_cards.fill(board, cards)
    compare_report.put(board)
    compare_details.draw(board, compare_selection.selected(board))
