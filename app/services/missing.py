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
    count = f"{len(board.all_pairs):,} pairs of {board.data.title}"
    if not len(board.all_pairs):
        return f"{board.data.title} has no pair in this split."
    if not len(board.pairs):
        return f"The chosen models have no scored pair in common among the {count}."
    if board.ready:
        return ""
    if not board.teacher and not board.student:
        others = " as teacher or student" if sources_on(board.all_pairs) else ""
        return f"No model has scored the {count} yet{others}."
    role, other = ("teacher", "student") if board.teacher else ("student", "teacher")
    title = board.models[role].title
    return f"{title} has scored the {count} as the {role}; no {other} has scored them yet."


def left_out(board: Board) -> str:
    """How many pairs a model on the board has not scored, so that they are in no number; or ""."""
    if board.rows is None:
        return ""
    count, total = len(board.pairs), len(board.all_pairs)
    names = " and ".join(model.title for model in board.models.values()) or "the chosen models"
    return (
        f"{count:,} of {total:,} pairs: {total - count:,} were not scored by all of {names} and "
        "are left out of every number."
    )
