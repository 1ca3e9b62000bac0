"""Calibration of a board's models before and after a temperature."""

from app.kit.by_hash import by_hash
from app.services.answers import Answers
from app.services.boards import Board
from kdcore.evaluation.recalibration import BeforeAfter
from kdcore.evaluation.recalibration import before_after as measure


@by_hash(most=40, on=lambda board, who: (board.pairs, who))
def before_after(board: Board, who: Answers) -> BeforeAfter | None:
    """Calibration of one model on the board's labelled pairs; None when there are too few."""
    return measure(board.pairs, who.predictions.logits)
