"""Which predictions are missing, and where to get them: one sentence, the same on all pages."""

from app.services.answers import sources_on
from app.services.boards import Board

PLACE = "Data → Score and answers"
HINT = f"Score the pairs with a model, or import predictions made elsewhere, under {PLACE}."


TWIN_HINT = (
    f"Train it beside the student under Distill, or import its predictions as a twin under {PLACE}."
)


def missing(board: Board) -> str:
    """Which of the teacher's and student's predictions are missing; "" when none is."""
    count = f"{len(board.part):,} pairs of {board.data.title}"
    if not len(board.part):
        return f"{board.data.title} has no pair in this split."
    if not len(board.pairs):
        return f"The chosen models have no scored pair in common among the {count}."
    if board.ready:
        return ""
    if board.teacher is None and board.student is None:
        others = " as teacher or student" if sources_on(board.part) else ""
        return f"No model has scored the {count} yet{others}."
    here, role, lacking = (
        (board.teacher, "teacher", "student")
        if board.teacher is not None
        else (board.student, "student", "teacher")
    )
    title = here.title if here is not None else ""
    return f"{title} has scored the {count} as the {role}; no {lacking} has scored them yet."


def left_out(board: Board) -> str:
    """How many pairs a model on the board has not scored, so that they are in no number; or ""."""
    if board.rows is None:
        return ""
    held = [who for who in (board.teacher, board.student, board.twin) if who is not None]
    whole = len(board.part) - len(board.pairs)
    names = " and ".join(who.title for who in held) or "the chosen models"
    return (
        f"{len(board.pairs):,} of {len(board.part):,} pairs: {whole:,} were not scored by all of "
        f"{names} and are left out of every number."
    )
