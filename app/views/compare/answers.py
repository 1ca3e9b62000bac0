"""Compare's pair cards: what every model on the table, and the truth, say of a pair."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from app import services, state
from app.kit.texts import pair_number, percent, signed
from app.services import Answers, Board
from app.views.compare import selection
from app.views.compare.parts.pair_card import Card, Compared, Says
from kdcore.analysis.counterfactual import nearest, word_diff
from kdcore.analysis.tags import TAGS
from kdcore.data.pairs import UNLABELLED
from kdcore.softlabels import log_soften, soften

Floats = NDArray[np.float64]
FIELDS = ("query", "title", "description")


def texts(board: Board, row: int) -> tuple[str, str, str]:
    """Query, title and description of a pair."""
    pair = board.pairs.frame.iloc[row]
    return str(pair["query"]), str(pair["title"]), str(pair["description"])


def card(board: Board, row: int, heading: str) -> Card:
    """A pair of the table with everything known of it."""
    query, title, description = texts(board, row)
    pair = selection.judged(board).iloc[row]
    return Card(
        heading=heading,
        query=query,
        title=title,
        description=description,
        grades=board.pairs.scheme.grades,
        gold=int(pair["grade"]),
        says=tuple(_says(board, row)),
        chips=tuple(tag.title for name, tag in TAGS.items() if pair[name]),
        compared=_nearest(board, row),
    )


def column(board: Board, name: str, role: str, logits: Floats, gold: int) -> Says:
    """One model's column from its (classes,) logits."""
    scheme, now = board.pairs.scheme, state.now().compare
    p = soften(logits)
    relevant = float(scheme.relevance(p))
    cut = now.teacher_threshold if role == "teacher" else now.student_threshold
    return Says(
        name=name,
        role=role,
        p=tuple(map(float, p)),
        relevant=relevant,
        verdict="yes" if relevant >= cut else "no",
        loss=None if gold == UNLABELLED else float(-log_soften(logits)[gold]),
    )


def who(board: Board) -> list[tuple[str, str, Answers]]:
    """(name, role, answers) of every model on the table, the second student among them."""
    named = [
        ("teacher", "teacher", board.teacher),
        ("student", "student", board.student),
        ("twin, labels only", "twin", board.twin),
        ("second student", "rival", services.rival_of(board)),
    ]
    return [(name, role, a) for name, role, a in named if a is not None]


def _says(board: Board, row: int) -> Iterator[Says]:
    gold = int(board.pairs.grades[row])
    for name, role, answers in who(board):
        yield column(board, name, role, answers.predictions.logits[row].astype(np.float64), gold)
    if board.pairs.truth is not None:
        p = board.pairs.truth[row]
        loss = None if gold == UNLABELLED else float(-np.log(max(p[gold], 1e-300)))
        relevant = float(board.pairs.scheme.relevance(p))
        yield Says("truth", "truth", tuple(map(float, p)), relevant, loss=loss)


def _nearest(board: Board, row: int) -> tuple[Compared, ...]:
    """The likest ad of the same query about which the student decides otherwise."""
    judged = selection.judged(board)
    says = judged["student_says"].to_numpy()
    found = nearest(board.pairs, row, says)
    if found is None:
        side = "relevant" if says[row] else "not relevant"
        sentence = f"The student finds every ad of this query {side}, so nothing flips it here."
        return (Compared("Nearest counterfactual", sentence, ()),)
    own, other = texts(board, row), texts(board, found.row)
    student = judged["student_p"].to_numpy(dtype=np.float64)
    here, there = float(student[row]), float(student[found.row])
    sentence = (
        f"Pair {pair_number(found.row)} of the same query shares "
        f"{percent(1 - found.distance)} of its words, "
        f"yet the student's P(relevant) is {there:.3f} there and {here:.3f} here "
        f"({signed(there - here)}). Its label: {judged['grade_name'].iat[found.row]}."
    )
    spans = tuple((FIELDS[i], word_diff(own[i], other[i])) for i in (1, 2))
    return (Compared("Nearest counterfactual: what would flip the student", sentence, spans),)
