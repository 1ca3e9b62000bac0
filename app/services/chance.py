"""Warnings before every finding: models that order nothing, few queries, models near chance."""

from app.kit.by_hash import by_hash
from app.services import access
from app.services.answers import Answers
from app.services.boards import Board
from app.services.ranking import per_query
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.evaluation.equal_scores import equal_scores, equal_sentence
from kdcore.judging.chance import near_chance, sentence_of
from kdcore.metrics.significance import few
from kdcore.runs.store import Run
from kdcore.scores import Scores

WORLD = "bundled"
TRAINED_ELSEWHERE = "trained on the bundled world; expect little on your texts"


def caution(board: Board) -> str:
    """What a reader should know before any finding on a board; else an empty text."""
    pairs = board.pairs
    judged = bool((pairs.grades != UNLABELLED).any())
    queries = int(pairs.query_ids.max(initial=-1)) + 1
    shown = [who for who in (board.student, board.teacher, board.twin) if who is not None]
    equal = [_equal(pairs, who) for who in shown]
    told = (*dict.fromkeys(equal), few(queries) if judged else "", _chance(board))
    return " ".join(filter(None, told))


@by_hash(most=200)
def _equal(pairs: PairTable, who: Answers) -> str:
    """A sentence when a model gives all pairs, or all of a query, one score."""
    ranking = Scores.of(who.predictions, pairs.scheme).ranking
    return equal_sentence(equal_scores(ranking, pairs.query_ids), who.title)


def _chance(board: Board) -> str:
    """A sentence when the teacher, or the only model here, is close to chance."""
    who = board.teacher or board.student
    if who is None:
        return ""
    role = "The teacher" if who is board.teacher else "The student"
    if _equal(board.pairs, who):
        return ""  # which says more
    near = _near(board, who, role)
    if not near:
        return ""
    if who.run is not None and of_the_world(who.run, board):
        return f"{near} It was {TRAINED_ELSEWHERE}."
    return f"{near} Differences between models mean little where none is good."


def of_the_world(run: Run, board: Board) -> bool:
    """Whether a model is a bundled one while the data are not the bundled world."""
    return run.folder.parent == access.demo().runs and board.data.badge != WORLD


@by_hash(most=200, on=lambda board, who, role: (board.pairs, who, role))
def _near(board: Board, who: Answers, role: str) -> str:
    return sentence_of(near_chance(board.pairs, per_query(board, who)), role)
