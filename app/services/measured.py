"""What was measured of a board's models, computed once for each pair of hashes."""

import streamlit as st

from app.services import places
from app.services.boards import Answers, Board
from kdcore.comparison import Comparison
from kdcore.comparison import compare as compare_predictions
from kdcore.errors import LabError
from kdcore.evaluate import Evaluation
from kdcore.evaluate import evaluate as evaluate_predictions
from kdcore.gap import GapRecovered, gap_file, keep_gap, kept_gap
from kdcore.gap import gap_recovered as recover
from kdcore.lab import kept_evaluation
from kdcore.pairs import PairTable

Keyed = tuple[str, ...]


def evaluation(board: Board, who: Answers, temperature: float = 2.0) -> Evaluation:
    """Every metric of one model on the board's pairs, with intervals."""
    key = (board.pairs.content_hash, who.hash, board.teacher.hash if board.teacher else "")
    return _evaluation(key, temperature, board.pairs, who, board.teacher)


@st.cache_resource(max_entries=60, show_spinner=False)
def _evaluation(
    key: Keyed, temperature: float, _pairs: PairTable, _who: Answers, _teacher: Answers | None
) -> Evaluation:
    by = _teacher.predictions if _teacher and _teacher.key != _who.key else None
    kept = _kept(_pairs, _who, temperature, by.model if by else None)
    if kept is not None:
        return kept
    return evaluate_predictions(_pairs, _who.predictions, teacher=by, temperature=temperature)


def _kept(
    pairs: PairTable, who: Answers, temperature: float, teacher: str | None
) -> Evaluation | None:
    """What the run's folder holds of just this evaluation, so that nothing is measured twice."""
    wanted = (pairs.content_hash, temperature, teacher)
    for split in pairs.splits if who.run else ():
        try:
            found = kept_evaluation(who.run, split) if who.run else None
        except LabError:
            continue  # of another version: measure anew
        if found and (found.data_hash, found.temperature, found.teacher) == wanted:
            return found
    return None


def comparison(board: Board, a: Answers, b: Answers, depth: int = 5) -> Comparison:
    """a against b on the board's pairs: differences, intervals, verdicts."""
    key = (board.pairs.content_hash, a.hash, b.hash, board.teacher.hash if board.teacher else "")
    return _comparison(key, depth, board.pairs, a, b, board.teacher)


@st.cache_resource(max_entries=60, show_spinner=False)
def _comparison(
    key: Keyed, depth: int, _pairs: PairTable, _a: Answers, _b: Answers, _teacher: Answers | None
) -> Comparison:
    by = _teacher.predictions if _teacher else None
    return compare_predictions(_pairs, _a.predictions, _b.predictions, teacher=by, depth=depth)


def gap(board: Board, metric: str = "roc_auc") -> GapRecovered | None:
    """The share of the teacher's lead over the twin that distillation won; None without a twin."""
    if board.teacher is None or board.student is None or board.twin is None:
        return None
    key = (board.pairs.content_hash, board.teacher.hash, board.student.hash, board.twin.hash)
    return _gap(key, metric, board.pairs, board.teacher, board.student, board.twin)


@st.cache_resource(max_entries=60, show_spinner=False)
def _gap(
    key: Keyed, metric: str, _pairs: PairTable, _teacher: Answers, _student: Answers, _twin: Answers
) -> GapRecovered:
    three = (_twin.predictions, _student.predictions, _teacher.predictions)
    path = None
    if _student.run is not None:
        path = gap_file(_student.run.folder / "evaluation", _pairs, *three, metric)
        if (kept := kept_gap(path)) is not None:
            return kept
    found = recover(_pairs, *three, metric)
    if path is not None and not path.is_relative_to(places.demo().root) and not places.public():
        keep_gap(path, found)
    return found
