"""Models that gave one number per pair: which of their metrics are not their own."""

from app.services import Board
from kdcore.config.teacher import read_teacher
from kdcore.workspace import last_part


def made_here(board: Board, metric: str) -> list[str]:
    """The roles whose model gave one number per pair, where a metric reads more than its order."""
    return [role for role, m in board.models.items() if not m.predictions.is_own(metric)]


def of_thresholds(board: Board) -> str:
    """What a threshold is for models that gave free scores; "" where all gave probabilities."""
    names = [m.title for m in board.models.values() if not m.predictions.own_relevance]
    if not names:
        return ""
    return (
        f"{' and '.join(dict.fromkeys(names))} gave one score per pair, and no probabilities: "
        "a threshold is a place among the scores, so who is right, the tags and the counts depend "
        "on where it is set."
    )


def of_teacher(board: Board) -> str:
    """Who taught the student, where that is not the teacher shown; "" where it is, or not known."""
    run, teacher = board.student.run if board.student else None, board.teacher
    teaching = read_teacher(run.teacher) if run is not None and run.is_distilled else None
    if run is None or teacher is None or teaching is None:
        return ""
    shown = {teacher.key, teacher.title}
    if teacher.run is not None:
        shown |= {teacher.run.id, str(teacher.run.folder), teacher.run.scored_run}
    if shown & {*run.teachers, *teaching.names, *map(last_part, teaching.names)}:
        return ""
    return f"The teacher shown, {teacher.title}, did not teach this student: {teaching.title} did."


def of(board: Board, metric: str) -> str:
    """What is not the models' own in this metric, a sentence per model; "" where all is."""
    models = [board.models[role] for role in made_here(board, metric)]
    return " ".join(dict.fromkeys(model.predictions.caveat for model in models))
