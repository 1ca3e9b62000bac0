"""Evaluations and comparisons of a board's models, computed once per content hash."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.kit.by_hash import by_hash
from app.services import access
from app.services.answers import Answers
from app.services.boards import Board
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.evaluation.comparison import Comparison
from kdcore.evaluation.comparison import compare as compare_predictions
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.evaluate import evaluate as evaluate_predictions
from kdcore.evaluation.exports import comparison_from_json, evaluation_from_json, gap_from_json
from kdcore.evaluation.gap import GapRecovered, gap_file
from kdcore.evaluation.gap import gap_recovered as recover
from kdcore.evaluation.stored import (
    read_result,
    result_file,
    stored_evaluation,
    write_result,
)
from kdcore.judging.measured import area_permutations
from kdcore.predictions import Predictions

_FOLDER = "measured"
_MOST = 300  # stored results; the oldest are removed first


@by_hash(
    most=60,
    on=lambda board, who, temperature=2.0: (board.pairs, who, board.teacher, temperature),
)
def evaluation(board: Board, who: Answers, temperature: float = 2.0) -> Evaluation:
    """Every metric of one model on the board's pairs, with intervals."""
    pairs, by = board.pairs, _teacher_of(board, who)
    stored = None
    if by is None or _beside(board.teacher, who):
        stored = _kept(pairs, who, temperature, by.model if by else None)
    if stored is not None:
        return stored
    answers = (who.predictions, by)
    for path in _places(who, pairs, answers, "evaluation", temperature):
        if (stored := read_result(path, evaluation_from_json)) is not None:
            return stored
    result = evaluate_predictions(pairs, who.predictions, teacher=by, temperature=temperature)
    _keep(_places(who, pairs, answers, "evaluation", temperature)[-1], result)
    return result


@by_hash(most=60, on=lambda board, who, rows: (board.pairs, who, board.teacher, rows))
def evaluation_of_rows(board: Board, who: Answers, rows: NDArray[np.int64]) -> Evaluation:
    """Every metric of one model on some of the board's pairs, with intervals; rows: (pairs,)."""
    if len(rows) == len(board.pairs):
        return evaluation(board, who)
    part, by = board.pairs.take(rows), _teacher_of(board, who)
    return evaluate_predictions(
        part,
        who.predictions.on(rows, part.content_hash),
        teacher=by.on(rows, part.content_hash) if by else None,
    )


def _teacher_of(board: Board, who: Answers) -> Predictions | None:
    """The answers of the board's teacher, unless the model is the teacher itself."""
    other = board.teacher is not None and board.teacher.key != who.key
    return board.teacher.predictions if board.teacher and other else None


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


@by_hash(most=60, on=lambda board, a, b, depth=5: (board.pairs, a, b, board.teacher, depth))
def comparison(board: Board, a: Answers, b: Answers, depth: int = 5) -> Comparison:
    """a against b on the board's pairs: differences, intervals, verdicts."""
    pairs, by = board.pairs, board.teacher.predictions if board.teacher else None
    answers = (a.predictions, b.predictions, by)
    permutations = area_permutations(pairs)
    paths = _places(a, pairs, answers, "comparison", depth, permutations)
    for path in paths:
        if (stored := read_result(path, comparison_from_json)) is not None:
            return stored
    result = compare_predictions(
        pairs, *answers[:2], teacher=by, depth=depth, area_permutations=permutations
    )
    _keep(paths[-1], result)
    return result


@by_hash(most=60, on=lambda board, metric="roc_auc": (board.pairs, *board.models.items(), metric))
def gap(board: Board, metric: str = "roc_auc") -> GapRecovered | None:
    """The gap recovered by the student on the board; None without a twin or a teacher."""
    teacher, student, twin = board.teacher, board.student, board.twin
    if teacher is None or student is None or twin is None:
        return None
    three = (twin.predictions, student.predictions, teacher.predictions)
    path = None
    if student.run is not None:
        path = gap_file(student.run.folder / "evaluation", board.pairs, *three, metric)
        if (stored := read_result(path, gap_from_json)) is not None:
            return stored
    result = recover(board.pairs, *three, metric)
    if path is not None and not path.is_relative_to(access.demo().root) and not access.public():
        write_result(path, result)
    return result
