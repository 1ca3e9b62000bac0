"""Models beside those on the board: every other one that answered the same pairs, and the rival."""

import numpy as np

from app import state
from app.services.boards import Answers, Board, answers, chosen, on_rows, sources_on


def beside(board: Board) -> list[Answers]:
    """Every model that answered all pairs of the board, those not shown on it as well."""
    found = [answers(source) for source in sources_on(board.part)]
    rows = np.arange(len(board.part)) if board.rows is None else board.rows
    whole = board.rows is None
    return [
        who if whole else on_rows(who, rows, board.pairs)
        for who in found
        if who.predictions.rows is None or np.isin(rows, who.predictions.rows).all()
    ]


def rival_of(board: Board) -> Answers | None:
    """The second student that the state pins beside the first, when it answered these pairs."""
    found = chosen(sources_on(board.part), state.now().rival, "rival")
    return next((who for who in beside(board) if found and who.key == found.key), None)
