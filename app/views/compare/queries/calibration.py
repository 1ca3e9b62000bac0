"""Calibration of a board's models before and after a temperature, computed once for each."""

import streamlit as st

from app.services.answers import Answers
from app.services.boards import Board
from kdcore.evaluation.recalibration import BeforeAfter
from kdcore.evaluation.recalibration import before_after as measure


def before_after(board: Board, who: Answers) -> BeforeAfter | None:
    """Calibration of one model on the board's labelled pairs; None when there are too few."""
    return _measured((board.pairs.content_hash, who.hash), board, who)


@st.cache_resource(max_entries=40, show_spinner=False)
def _measured(key: tuple[str, ...], _board: Board, _who: Answers) -> BeforeAfter | None:
    return measure(_board.pairs, _who.predictions.logits)
