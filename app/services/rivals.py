"""Models beside those on the board: every other one that answered the same pairs, and the rival."""

import numpy as np

from app import state
from app.services.answers import Answers, answers, on_rows, sources_on
from app.services.boards import Board, chosen


def beside(board: Board) -> list[Answers]:
    """Every model that answered all pairs of the board, those not shown on it as well."""
    models = [answers(source) for source in sources_on(board.part)]
    rows = np.arange(len(board.part)) if board.rows is None else board.rows
    whole = board.rows is None
    return [
        model if whole else on_rows(model, rows, board.pairs)
        for model in models
        if model.predictions.rows is None or np.isin(rows, model.predictions.rows).all()
    ]


def rival_of(board: Board) -> Answers | None:
    """The second student that the state pins beside the first, when it answered these pairs."""
    source = chosen(sources_on(board.part), state.now().rival, "rival")
    return next((model for model in beside(board) if source and model.key == source.key), None)
