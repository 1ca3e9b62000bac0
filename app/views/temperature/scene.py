"""The subject of the Temperature page: two models on the same pairs, and the pair that is shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app import state
from app.kit.by_hash import by_hash
from app.services import Answers, Board
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.softlabels import soften

Floats = NDArray[np.float64]
SECOND = 0.2  # least share of a second grade that makes a pair worth opening on


@dataclass(frozen=True)
class Scene:
    """A board with a teacher and a student, the row that is shown, and both temperatures."""

    board: Board
    teacher: Answers
    student: Answers
    twin: Answers | None
    row: int
    temperature: float
    student_temperature: float

    @property
    def pairs(self) -> PairTable:
        """The pairs of the board."""
        return self.board.pairs

    @property
    def hash(self) -> str:
        """A hash of the pairs and of every model's logits."""
        models = [a.hash if a else "none" for a in (self.teacher, self.student, self.twin)]
        return "-".join([self.pairs.content_hash, *models])

    @property
    def event(self) -> str:
        """The relevance in the data's own grade names: P(good or excellent)."""
        relevant = self.pairs.scheme.grades[self.pairs.scheme.relevant_from :]
        shown = relevant if len(relevant) < 3 else (relevant[0], "better")
        return f"P({' or '.join(shown)})"

    @property
    def logits(self) -> tuple[Floats, Floats]:
        """(classes,) logits of teacher and student on the shown pair."""
        z, v = (model.predictions.logits[self.row] for model in (self.teacher, self.student))
        return z.astype(np.float64), v.astype(np.float64)

    def provenance(self, *more: str) -> str:
        """The hash line of an export, with the temperatures at its end."""
        twin = f" twin={self.twin.hash}" if self.twin else ""
        models = f"teacher={self.teacher.hash} student={self.student.hash}{twin}"
        data = f"KD Lab temperature; data {self.pairs.content_hash}"
        temperatures = f"teacher T {self.temperature:g}, student T {self.student_temperature:g}"
        return "; ".join([data, models, *more, temperatures])


def scene_of(board: Board) -> Scene | None:
    """The scene of a board; None without a pair, a teacher or a student."""
    if board.teacher is None or board.student is None or not len(board.pairs):
        return None
    requested, now = state.now().pair, state.now().temperature
    opening = _opening(board.pairs, board.teacher)
    row = opening if requested < 0 else min(requested, len(board.pairs) - 1)
    twin = board.twin if board.twin and board.twin.predictions.own_grades else None
    temperatures = (now.T, now.T if now.linked else now.student_T)
    return Scene(board, board.teacher, board.student, twin, row, *temperatures)


@by_hash(most=40)
def _opening(pairs: PairTable, teacher: Answers) -> int:
    """The first relevant pair whose label the teacher predicts, with a likely second grade."""
    soft = soften(teacher.predictions.logits)
    grades = pairs.grades
    shares = np.sort(soft, axis=1)[:, -2] >= SECOND
    agrees = (grades != UNLABELLED) & (soft.argmax(axis=1) == grades)
    for candidates in (shares & agrees & pairs.relevant, shares & agrees, shares):
        if candidates.any():
            return int(np.flatnonzero(candidates)[0])
    return 0


@by_hash(most=40)
def moved_most(pairs: PairTable, teacher: Answers, temperature: float, most: int) -> list[int]:
    """Rows whose soft label differs most between T = 1 and `temperature`, most moved first.

    Measured by total variation: half the sum of the absolute differences. Ties are ordered by a
    hash of the texts.
    """
    logits = teacher.predictions.logits
    gap = np.abs(soften(logits, temperature) - soften(logits)).sum(axis=1) / 2
    return [int(row) for row in np.lexsort((pairs.tiebreaks, -gap))[:most]]
