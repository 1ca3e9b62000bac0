"""The subject of the Temperature page: two models on the same pairs, and the pair that is shown."""

from dataclasses import dataclass

import numpy as np

from app import state
from app.kit.by_hash import by_hash
from app.services import Answers, Board
from app.views.temperature.parts.logits import World
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.softlabels import soften

SECOND = 0.2  # least share of a second grade that makes a pair worth opening on


@dataclass(frozen=True)
class Scene:
    """A board with a teacher and a student, and the row that is shown."""

    board: Board
    teacher: Answers
    student: Answers
    twin: Answers | None
    row: int

    @property
    def pairs(self) -> PairTable:
        """The pairs on the table."""
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
    def about(self) -> str:
        """The hash line of an export."""
        twin = f" twin={self.twin.hash}" if self.twin else ""
        models = f"teacher={self.teacher.hash} student={self.student.hash}{twin}"
        return f"KD Lab temperature; data {self.pairs.content_hash}; {models}"

    def world(self) -> World:
        """The logits, labels and truth with which the browser computes."""
        return World(
            hash=self.hash,
            grades=self.pairs.scheme.grades,
            relevant_from=self.pairs.scheme.relevant_from,
            labels=self.pairs.grades,
            teacher=self.teacher.predictions.logits,
            student=self.student.predictions.logits,
            twin=self.twin.predictions.logits if self.twin else None,
            truth=self.pairs.truth,
        )


def scene_of(board: Board) -> Scene | None:
    """The scene of a board; None without a pair, a teacher or a student."""
    if board.teacher is None or board.student is None or not len(board.pairs):
        return None
    requested = state.now().pair
    opening = _opening(board.pairs, board.teacher)
    row = opening if requested < 0 else min(requested, len(board.pairs) - 1)
    twin = board.twin if board.twin and board.twin.predictions.own_grades else None
    return Scene(board, board.teacher, board.student, twin, row)


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
