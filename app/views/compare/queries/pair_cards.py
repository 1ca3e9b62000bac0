"""What a pair's card shows: its texts, what every model and the truth say of it, a neighbor."""

import numpy as np
from numpy.typing import NDArray

from app import services, state
from app.kit.texts import pair_number, percent, signed
from app.services import Board
from app.services.selection.outcomes import outcomes
from app.views.compare.parts.pair_card import Answer, Card, Compared
from kdcore.analysis.counterfactual import nearest, word_diff
from kdcore.analysis.tags import TAGS
from kdcore.data.pairs import UNLABELLED
from kdcore.softlabels import log_soften, soften

Floats = NDArray[np.float64]
FIELDS = ("query", "title", "description")
FARTHEST = 2 / 3  # distance (1 − Jaccard index of the words) up to which an ad is near


def texts_of(board: Board, row: int) -> tuple[str, str, str]:
    """Query, title and description of a pair."""
    pair = board.pairs.frame.iloc[row]
    return str(pair["query"]), str(pair["title"]), str(pair["description"])


def card_of(board: Board, row: int, heading: str) -> Card:
    """A pair of the board with everything known of it."""
    query, title, description = texts_of(board, row)
    pair = outcomes(board).iloc[row]
    return Card(
        heading=heading,
        query=query,
        title=title,
        description=description,
        grades=board.pairs.scheme.grades,
        gold=int(pair["grade"]),
        says=tuple(_answers(board, row)),
        chips=tuple(tag.title for name, tag in TAGS.items() if pair[name]),
        compared=(_counterfactual(board, row),),
    )


def answer_of(
    board: Board, name: str, role: str, logits: Floats, gold: int, graded: bool = True
) -> Answer:
    """One model's column from its (classes,) logits.

    graded: whether the model itself gave a probability to each grade; else none is shown.
    """
    now, p = state.now().compare, soften(logits)
    relevant = float(board.pairs.scheme.relevance(p))
    cut = now.teacher_threshold if role == "teacher" else now.student_threshold
    return Answer(
        name=name,
        role=role,
        p=tuple(map(float, p)) if graded else (),
        relevant=relevant,
        decision="yes" if relevant >= cut else "no",
        loss=None if gold == UNLABELLED or not graded else float(-log_soften(logits)[gold]),
    )


def _answers(board: Board, row: int) -> list[Answer]:
    """What every model on the board, the second student and the truth say of a pair."""
    gold = int(board.pairs.grades[row])
    models = (
        ("teacher", "teacher", board.teacher),
        ("student", "student", board.student),
        ("twin, labels only", "twin", board.twin),
        ("second student", "rival", services.rival_of(board)),
    )
    columns = []
    for name, role, model in models:
        if model is not None:
            answers, mark = model.predictions, "" if model.predictions.own_relevance else " †"
            logits = answers.logits[row].astype(np.float64)
            graded = answers.own_grades
            columns.append(answer_of(board, f"{name}{mark}", role, logits, gold, graded))
    if board.pairs.truth is not None:
        p = board.pairs.truth[row]
        loss = None if gold == UNLABELLED else float(-np.log(max(p[gold], 1e-300)))
        relevant = float(board.pairs.scheme.relevance(p))
        columns.append(Answer("truth", "truth", tuple(map(float, p)), relevant, loss=loss))
    return columns


def _counterfactual(board: Board, row: int) -> Compared:
    """The likest ad of the same query about which the student decides otherwise."""
    frame = outcomes(board)
    decisions = frame["student_says"].to_numpy()
    other = nearest(board.pairs, row, decisions)
    if other is None:
        side = "relevant" if decisions[row] else "not relevant"
        sentence = f"The student finds every ad of this query {side}, so nothing flips it here."
        return Compared("Nearest counterfactual", sentence, ())
    student = frame["student_p"].to_numpy(dtype=np.float64)
    here, there = float(student[row]), float(student[other.row])
    title, only, yet = "Nearest counterfactual: what would flip the student", "", "yet"
    if other.distance > FARTHEST:
        title, only = "No near counterfactual: the nearest that there is", "only "
        yet = "too few to be near;"
    sentence = (
        f"Pair {pair_number(other.row)} of the same query shares {only}"
        f"{percent(1 - other.distance)} of its words, {yet} the student's P(relevant) is "
        f"{there:.3f} there and {here:.3f} here ({signed(there - here)}). "
        f"Its label: {frame['grade_name'].iat[other.row]}."
    )
    both = zip(FIELDS, texts_of(board, row), texts_of(board, other.row), strict=True)
    spans = tuple((name, word_diff(own, its)) for name, own, its in both if name != "query")
    return Compared(title, sentence, spans)
