"""What a comparison of a student with its twin has to say besides the teacher, on every page."""

from pathlib import Path

from app.kit.by_hash import by_hash
from app.services.boards import Board
from kdcore.judging.caveats import caveats
from kdcore.runs.store import Run


def _states(*runs: Run | None) -> list[tuple[Path, str]]:
    return [(run.folder, run.status().state) for run in runs if run is not None]


@by_hash(most=500, on=_states)
def unequal(student: Run | None, twin: Run | None) -> tuple[str, ...]:
    """Sentences on other steps, other pairs, or an early end; none for equals or without a run."""
    return caveats(student, twin) if student is not None and twin is not None else ()


def of_board(board: Board) -> tuple[str, ...]:
    """The same of the pair of runs that the pages compare."""
    student, twin = board.student, board.twin
    return unequal(student.run if student else None, twin.run if twin else None)
