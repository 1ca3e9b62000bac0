"""Models that gave one number per pair: what a metric of them reads that is not their own."""

from app.services import Board


def made_here(board: Board, metric: str) -> list[str]:
    """The roles whose model gave one number per pair, where a metric reads more than its order."""
    models = {"teacher": board.teacher, "student": board.student, "twin": board.twin}
    return [role for role, who in models.items() if who and not who.predictions.is_own(metric)]


def of_thresholds(board: Board) -> str:
    """What a threshold is for models that gave free scores; "" where all gave probabilities."""
    shown = (board.teacher, board.student, board.twin)
    names = [who.title for who in shown if who and not who.predictions.own_relevance]
    if not names:
        return ""
    return (
        f"{' and '.join(dict.fromkeys(names))} gave one score per pair, and no probabilities: "
        "a threshold is a place among the scores, so who is right, the tags and the counts depend "
        "on where it is set."
    )


def of(board: Board, metric: str) -> str:
    """What is not the models' own in this metric, a sentence per model; "" where all is."""
    models = (getattr(board, role) for role in made_here(board, metric))
    return " ".join(dict.fromkeys(who.predictions.caveat for who in models))
