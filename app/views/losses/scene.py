"""The scene of the Losses page: the numbers of a teacher and a student on a real pair.

One pair's logits, the log-odds of a query's ads, or vectors in two dimensions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app import state
from app.kit.by_hash import by_hash
from app.services import Answers, Board
from app.state.learn.losses import LONGEST_LIST
from app.views.losses.queries.vectors import Picture, picture_of
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.scores import Scores
from kdcore.softlabels import soften

Floats = NDArray[np.float64]
POINTS = "pqrs"  # vectors that are shown, as the picture calls them
LETTERS = 60  # of an ad's title on a picture
VIEWS = {
    "logits": "One pair",
    "ads": "A query's ads",
    "vectors": "Vectors",
    "attention": "Attention",
}
# the methods whose losses can be drawn in a view
SHOWS = {
    "logits": ("response", "label_aware", "hard"),
    "ads": ("ranking",),
    "vectors": ("feature", "relation"),
    "attention": ("internal",),
}


@dataclass(frozen=True)
class Scene:
    """What both objectives are drawn on.

    row: the pair in focus; rows: the pairs shown, the teacher's best ad first where several are.
    teacher, student, twin: (classes,), (ads,) or (points, 2) numbers; twin None without one.
    """

    board: Board
    view: str
    row: int
    rows: NDArray[np.int64]
    teacher: Floats
    student: Floats
    twin: Floats | None = None
    picture: Picture | None = None

    @property
    def models(self) -> tuple[Answers, Answers]:
        """Teacher and student."""
        assert self.board.teacher is not None
        assert self.board.student is not None
        return self.board.teacher, self.board.student

    @property
    def opening(self) -> int:
        """The pair on which the page opens."""
        return _opening(self.pairs, *self.models)

    @property
    def pairs(self) -> PairTable:
        """The pairs of the board."""
        return self.board.pairs

    @property
    def grade(self) -> int:
        """The hard label of the pair in focus, -1 without one."""
        return int(self.pairs.grades[self.row])

    @property
    def grades(self) -> NDArray[np.int64]:
        """The hard labels of the pairs shown."""
        return np.asarray(self.pairs.grades[self.rows], dtype=np.int64)

    @property
    def names(self) -> tuple[str, ...]:
        """What each of the student's numbers is of: a grade, or an ad."""
        if self.view == "logits":
            return tuple(self.pairs.scheme.grades)
        titles = self.pairs.frame["title"].iloc[self.rows]
        return tuple(_short(str(title)) for title in titles)

    @property
    def points(self) -> str:
        """What the picture calls its vectors: the pairs shown, or four invented ones."""
        return POINTS[: len(self.student)]

    @property
    def now(self) -> Floats:
        """The student's numbers where it was dragged to, or its real ones."""
        start = np.array(state.now().losses.start)
        return start.reshape(self.student.shape) if start.size else self.student

    @property
    def hash(self) -> str:
        """What the numbers depend on."""
        teacher, student = self.models
        twin = self.board.twin.hash if self.twin is not None and self.board.twin else "none"
        models = f"{teacher.hash}-{student.hash}-{twin}"
        return f"{self.view}-{self.pairs.content_hash}-{models}-{self.row}"

    @property
    def provenance(self) -> str:
        """The hash line of an export."""
        teacher, student = self.models
        models = f"teacher={teacher.hash} student={student.hash}"
        return f"KD Lab losses; data {self.pairs.content_hash}; {models}; pair {self.row + 1}"

    def sent(self) -> dict[str, Any]:
        """The scene as the browser parts take it."""
        teacher, student = self.models
        several = self.view != "logits"
        return {
            "view": self.view,
            "hash": self.hash,
            "names": list(self.pairs.scheme.grades),
            "relevantFrom": self.pairs.scheme.relevant_from,
            "grade": self.grade,
            "teacher": self.teacher.tolist(),
            "student": self.student.tolist(),
            "twin": None if self.twin is None else self.twin.tolist(),
            "labels": list(self.names) if several else [],
            "grades": self.grades.tolist() if several else [],
            "titles": {"teacher": teacher.title, "student": student.title},
            "invented": bool(self.picture and self.picture.invented),
        }


def scene_of(board: Board) -> Scene | None:
    """The scene of a board in the present view; None without a pair, a teacher or a student."""
    if board.teacher is None or board.student is None or not len(board.pairs):
        return None
    requested, view = state.now().pair, state.now().losses.view
    opening = _opening(board.pairs, board.teacher, board.student)
    row = opening if requested < 0 else min(requested, len(board.pairs) - 1)
    models = [board.teacher, board.student, board.twin]
    if view == "vectors":
        rows = _spread(_ads(board.pairs, board.teacher, row), row)
        picture = picture_of([m.predictions.features if m else None for m in models], rows)
        scene = Scene(board, view, row, rows, *picture.points, picture=picture)
    elif view == "ads":
        rows = _ads(board.pairs, board.teacher, row)
        numbers = [m and _scores(m, board.pairs).log_odds[rows] for m in models]
        scene = Scene(board, view, row, rows, *numbers)  # type: ignore[arg-type]
    else:  # attention is shown of one pair, too
        rows = np.array([row])
        logits = [m and m.predictions.logits[row].astype(np.float64) for m in models]
        scene = Scene(board, view, row, rows, *logits)  # type: ignore[arg-type]
    _check_start(scene)
    return scene


def _check_start(scene: Scene) -> None:
    """Leave out a start of another scene, which a link may name."""
    count = len(state.now().losses.start)
    if count and count != scene.student.size:
        state.ignore(f"lat: {count} numbers, and the student has {scene.student.size} here")
        state.correct(losses={"start": (), "steps": 0})


def _short(title: str) -> str:
    return title if len(title) <= LETTERS else f"{title[: LETTERS - 1]}…"


@by_hash(most=40)
def _scores(model: Answers, pairs: PairTable) -> Scores:
    return Scores.of(model.predictions, pairs.scheme)


@by_hash(most=40)
def _opening(pairs: PairTable, teacher: Answers, student: Answers) -> int:
    """The labelled pair of a query of several ads on which the teacher is right, the student not.

    Of these the one on which both are furthest apart in P(relevant); ties by a hash of the texts.
    """
    grades = pairs.grades
    labelled = grades != UNLABELLED
    sizes = np.bincount(pairs.query_ids)[pairs.query_ids]
    soft = [soften(model.predictions.logits) for model in (teacher, student)]
    right, wrong = soft[0].argmax(axis=1) == grades, soft[1].argmax(axis=1) != grades
    gap = np.abs(pairs.scheme.relevance(soft[0]) - pairs.scheme.relevance(soft[1]))
    for fits in (labelled & right & wrong & (sizes > 2), labelled & (sizes > 2), sizes > 0):
        if fits.any():
            order = np.lexsort((pairs.tiebreaks, -gap))
            return int(order[fits[order]][0])
    return 0


def _ads(pairs: PairTable, teacher: Answers, row: int) -> NDArray[np.int64]:
    """The ads of a pair's query by the teacher's log-odds, the best first.

    Of many, the pair in focus and others from the best to the worst, evenly.
    """
    rows = ads_of(pairs, row)
    scores = _scores(teacher, pairs).log_odds[rows]
    rows = rows[np.lexsort((pairs.tiebreaks[rows], -scores))]
    few = set(_evenly(rows[rows != row], LONGEST_LIST - 1)) | {row}
    return rows[[each in few for each in rows]]


def ads_of(pairs: PairTable, row: int) -> NDArray[np.int64]:
    """Every ad of a pair's query."""
    return np.flatnonzero(pairs.query_ids == pairs.query_ids[row])


def _spread(rows: NDArray[np.int64], row: int) -> NDArray[np.int64]:
    """The pair in focus, and a few more ads from the teacher's best to its worst."""
    return np.append(row, _evenly(rows[rows != row], len(POINTS) - 1)).astype(np.int64)


def _evenly(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the rows, from the first to the last."""
    if len(rows) <= most:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, most).round().astype(int)])
