"""Evaluations and comparisons of a board's models, computed once per content hash."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.services import access
from app.services.answers import Answers
from app.services.boards import Board
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.evaluation.comparison import Comparison
from kdcore.evaluation.comparison import compare as compare_predictions
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.evaluate import evaluate as evaluate_predictions
from kdcore.evaluation.gap import GapRecovered, gap_file, keep_gap, kept_gap
from kdcore.evaluation.gap import gap_recovered as recover
from kdcore.evaluation.stored import (
    read_comparison,
    read_evaluation,
    result_file,
    stored_evaluation,
    write_result,
)
from kdcore.judging.measured import area_permutations
from kdcore.predictions import Predictions

Keyed = tuple[str, ...]
_FOLDER = "measured"
_MOST = 300  # stored results; the oldest are removed first


def evaluation(board: Board, who: Answers, temperature: float = 2.0) -> Evaluation:
    """Every metric of one model on the board's pairs, with intervals."""
    key = (board.pairs.content_hash, who.hash, board.teacher.hash if board.teacher else "")
    return _evaluation(key, temperature, board.pairs, who, board.teacher)


@st.cache_resource(max_entries=60, show_spinner=False)
def _evaluation(
    key: Keyed, temperature: float, _pairs: PairTable, _who: Answers, _teacher: Answers | None
) -> Evaluation:
    by = _teacher.predictions if _teacher and _teacher.key != _who.key else None
    stored = None
    if by is None or _beside(_teacher, _who):
        stored = _kept(_pairs, _who, temperature, by.model if by else None)
    if stored is not None:
        return stored
    answers = (_who.predictions, by)
    for path in _places(_who, _pairs, answers, "evaluation", temperature):
        if (stored := read_evaluation(path)) is not None:
            return stored
    made = evaluate_predictions(_pairs, _who.predictions, teacher=by, temperature=temperature)
    _keep(_places(_who, _pairs, answers, "evaluation", temperature)[-1], made)
    return made


def evaluation_of_rows(board: Board, who: Answers, rows: NDArray[np.int64]) -> Evaluation:
    """Every metric of one model on some of the board's pairs, with intervals; rows: (pairs,)."""
    if len(rows) == len(board.pairs):
        return evaluation(board, who)
    digest = hashlib.sha256(np.ascontiguousarray(rows, dtype=np.int64).tobytes()).hexdigest()
    key = (board.pairs.content_hash, who.hash, board.teacher.hash if board.teacher else "", digest)
    return _evaluation_of_rows(key, board.pairs, who, board.teacher, rows)


@st.cache_resource(max_entries=60, show_spinner=False)
def _evaluation_of_rows(
    key: Keyed,
    _pairs: PairTable,
    _who: Answers,
    _teacher: Answers | None,
    _rows: NDArray[np.int64],
) -> Evaluation:
    part = _pairs.take(_rows)
    by = _teacher.predictions if _teacher and _teacher.key != _who.key else None
    return evaluate_predictions(
        part,
        _who.predictions.on(_rows, part.content_hash),
        teacher=by.on(_rows, part.content_hash) if by else None,
    )


def _beside(teacher: Answers | None, who: Answers) -> bool:
    """Whether both are runs of one workspace: a name tells them apart only there."""
    if teacher is None or teacher.run is None or who.run is None:
        return False
    return teacher.run.folder.parent == who.run.folder.parent


def _places(
    who: Answers, pairs: PairTable, answers: Sequence[Predictions | None], *about: object
) -> list[Path]:
    """Where a result may lie: beside its run, and last in the cache of the visitor's workspace."""
    beside = [who.run.folder / "evaluation"] if who.run else []
    folders = [*beside, access.home().cache_folder(_FOLDER)]
    return [result_file(folder, pairs, answers, *about) for folder in folders]


def _keep(path: Path, result: Evaluation | Comparison) -> None:
    """Store what took seconds; a public lab stores nothing, and a full disk stops nothing."""
    if access.public():
        return
    with suppress(OSError):
        write_result(path, result)
        files = sorted(path.parent.glob("*.json"), key=lambda p: p.stat().st_mtime)
        for old in files[:-_MOST]:
            old.unlink(missing_ok=True)


def _kept(
    pairs: PairTable, who: Answers, temperature: float, teacher: str | None
) -> Evaluation | None:
    """The evaluation in the run's folder, where it has just these inputs."""
    for split in pairs.splits if who.run else ():
        try:
            stored = stored_evaluation(who.run, split) if who.run else None
        except LabError:
            continue  # of another version: measure anew
        if stored is None or stored.data_hash != pairs.content_hash:
            continue
        if (stored.temperature, stored.teacher) == (temperature, teacher):
            return stored
        if teacher is None and (stored.temperature, stored.teacher) == (
            temperature,
            who.predictions.model,
        ):
            return _alone(stored)
    return None


def _alone(evaluation: Evaluation) -> Evaluation:
    """A teacher's evaluation without the comparison with itself."""
    prefix = "teacher_"
    return replace(
        evaluation,
        teacher=None,
        metrics={k: m for k, m in evaluation.metrics.items() if not k.startswith(prefix)},
        columns={k: c for k, c in evaluation.columns.items() if not k.startswith(prefix)},
        notes=tuple(n for n in evaluation.notes if not n.startswith(prefix)),
    )


def comparison(board: Board, a: Answers, b: Answers, depth: int = 5) -> Comparison:
    """a against b on the board's pairs: differences, intervals, verdicts."""
    key = (board.pairs.content_hash, a.hash, b.hash, board.teacher.hash if board.teacher else "")
    return _comparison(key, depth, board.pairs, a, b, board.teacher)


@st.cache_resource(max_entries=60, show_spinner=False)
def _comparison(
    key: Keyed, depth: int, _pairs: PairTable, _a: Answers, _b: Answers, _teacher: Answers | None
) -> Comparison:
    by = _teacher.predictions if _teacher else None
    answers = (_a.predictions, _b.predictions, by)
    permutations = area_permutations(_pairs)
    paths = _places(_a, _pairs, answers, "comparison", depth, permutations)
    for path in paths:
        if (stored := read_comparison(path)) is not None:
            return stored
    made = compare_predictions(
        _pairs, *answers[:2], teacher=by, depth=depth, area_permutations=permutations
    )
    _keep(paths[-1], made)
    return made


def gap(board: Board, metric: str = "roc_auc") -> GapRecovered | None:
    """The gap recovered by the student on the board; None without a twin or a teacher."""
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
        if (stored := kept_gap(path)) is not None:
            return stored
    made = recover(_pairs, *three, metric)
    if path is not None and not path.is_relative_to(access.demo().root) and not access.public():
        keep_gap(path, made)
    return made
