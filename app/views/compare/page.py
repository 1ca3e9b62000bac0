"""Compare: where did distillation lose, and does it matter?"""

import streamlit as st

from app import services
from app.kit.texts import md
from app.shell import caveats, frame, lacking
from app.views.compare import cards, density, details, filters, report, selection

board = services.board()
if not board.ready:
    lacking.draw(board)
else:
    if selection.announce(board):
        st.rerun()  # a link was opened: the top bar is drawn already, and nothing else yet
    frame.finding(selection.finding(board), board)
    if scores := caveats.of_thresholds(board):
        st.caption(md(scores))
    if other := caveats.of_teacher(board):
        st.caption(md(other))
    strip = cards.place(board)
    rail, main = st.columns([1, 3.6], gap="medium")
    with rail:
        filters.draw(board)
    with main:
        density.draw(board)
    cards.fill(board, strip)
    report.put(board)
    details.draw(board, selection.selected(board))
