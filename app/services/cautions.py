"""Warnings before a finding: equal scores, few queries, models near chance, unequal budgets."""

from pathlib import Path

from app.kit.by_hash import by_hash
from app.services import access
from app.services.answers import Answers
from app.services.boards import Board
from app.services.ranking import per_query
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.evaluation.tie_notes import equal_scores, equal_sentence
from kdcore.judging.caveats import caveats
from kdcore.judging.chance import near_chance, sentence_of
from kdcore.metrics.significance import few
from kdcore.runs.store import Run
from kdcore.scores import Scores

TRAINED_ELSEWHERE = "trained on the bundled world, so only your labels tell what it is worth here"


def caution(board: Board) -> str:
    """What a reader should know before any finding on a board; else an empty text."""
    pairs = board.pairs
    shown = [model for model in (board.student, board.teacher, board.twin) if model]
    equal = dict.fromkeys(_equal_scores(pairs, model) for model in shown)  # each sentence once
    queries = int(pairs.query_ids.max(initial=-1)) + 1
    few_queries = few(queries) if (pairs.grades != UNLABELLED).any() else ""
    return " ".join(filter(None, (*equal, few_queries, _near_chance(board))))


@by_hash(most=200)
def _equal_scores(pairs: PairTable, model: Answers) -> str:
    """A sentence when a model gives all pairs, or all of a query, one score."""
    ranking = Scores.of(model.predictions, pairs.scheme).ranking
    return equal_sentence(equal_scores(ranking, pairs.query_ids), model.title)


def _near_chance(board: Board) -> str:
    """A sentence when the teacher, or the only model here, is close to chance.

    That differences mean little follows only where no model that is shown is better.
    """
    model = board.teacher or board.student
    if model is None or _equal_scores(board.pairs, model):  # its sentence says more
        return ""
    sentence = _chance_sentence(board, model, "The teacher" if board.teacher else "The student")
    if not sentence:
        return ""
    if model.run is not None and is_foreign(model.run, board):
        return f"{sentence} It was {TRAINED_ELSEWHERE}."
    others = [each for each in (board.student, board.twin) if each and each is not model]
    if not all(_chance_sentence(board, each, "It") for each in others):
        return sentence
    return f"{sentence} Differences between models mean little where none is good."


@by_hash(most=200, on=lambda board, model, role: (board.pairs, model, role))
def _chance_sentence(board: Board, model: Answers, role: str) -> str:
    return sentence_of(near_chance(board.pairs, per_query(board, model)), role)


def is_foreign(run: Run, board: Board) -> bool:
    """Whether a model is a bundled one while the data are not the bundled world."""
    return run.folder.parent == access.demo().runs and board.data.badge != "bundled"


def _states(*runs: Run | None) -> list[tuple[Path, str]]:
    return [(run.folder, run.status().state) for run in runs if run is not None]


@by_hash(most=500, on=_states)
def unequal_budgets(student: Run | None, twin: Run | None) -> tuple[str, ...]:
    """Sentences on other steps, other pairs, or an early end; none for equals or without a run."""
    return caveats(student, twin) if student is not None and twin is not None else ()
