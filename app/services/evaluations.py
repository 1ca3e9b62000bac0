"""Evaluations and comparisons of a board's models, computed once per content hash."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from app.kit.by_hash import by_hash
from app.services import access
from app.services.answers import Answers
from app.services.boards import Board
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.errors import LabError
from kdcore.evaluation.comparison import Comparison, compare
from kdcore.evaluation.evaluate import Evaluation, evaluate
from kdcore.evaluation.exports import comparison_from_json, evaluation_from_json, gap_from_json
from kdcore.evaluation.gap import GapRecovered, gap_file, gap_recovered
from kdcore.evaluation.result_files import read_result, result_file, stored_evaluation, write_result
from kdcore.judging.results import area_permutations
from kdcore.predictions import Predictions

Result = TypeVar("Result", Evaluation, Comparison)
_FOLDER = "measured"
_DRAWN = 15_000_000  # pairs that the resamples of a selection hold in all
_RESAMPLES = 200, 1000  # at least and at most
_PERMUTATIONS, _AREA_PERMUTATIONS = 1000, 200  # of a selection
_MOST = 300  # stored results; the oldest are removed first


@by_hash(
    most=60,
    on=lambda board, model, temperature=2.0: (board.pairs, model, board.teacher, temperature),
)
def evaluation(board: Board, model: Answers, temperature: float = 2.0) -> Evaluation:
    """Every metric of one model on the board's pairs, with intervals."""
    pairs, teacher = board.pairs, _teacher_of(board, model)
    if teacher is None or _in_one_workspace(board.teacher, model):
        in_run = _in_run(pairs, model, temperature, teacher.model if teacher else None)
        if in_run is not None:
            return in_run
    return _stored(
        _files(model, pairs, (model.predictions, teacher), "evaluation", temperature),
        evaluation_from_json,
        lambda: evaluate(pairs, model.predictions, teacher=teacher, temperature=temperature),
    )


_part = by_hash(most=4)(PairTable.take)  # one table for all models, which orders its pairs once


@by_hash(most=60, on=lambda board, model, rows: (board.pairs, model, board.teacher, rows))
def evaluation_of_rows(board: Board, model: Answers, rows: NDArray[np.int64]) -> Evaluation:
    """Every metric of one model on some of the board's pairs, with intervals; rows: (pairs,).

    1,000 resamples; of more than 15,000 pairs fewer, down to 200, as nothing of it is stored.
    """
    if len(rows) == len(board.pairs):
        return evaluation(board, model)
    part, teacher = _part(board.pairs, rows), _teacher_of(board, model)
    whole = evaluate(
        part,
        model.predictions.on(rows, part.content_hash),
        teacher=teacher.on(rows, part.content_hash) if teacher else None,
        resamples=_resamples(rows),
    )
    nan, undefined = float("nan"), _without_order(part)
    metrics = {
        key: replace(m, value=nan, low=nan, high=nan) if undefined(key) else m
        for key, m in whole.metrics.items()
    }
    return replace(whole, metrics=metrics)


def _without_order(part: PairTable) -> Callable[[str], bool]:
    """Whether a metric, by its key, is 1 for every model: nDCG of pairs that have one grade."""
    grades = part.grades[part.grades != UNLABELLED]
    one_grade = len(np.unique(grades)) < 2
    return lambda key: one_grade and key.startswith("ndcg")


@by_hash(most=60, on=lambda board, a, b, depth=5: (board.pairs, a, b, board.teacher, depth))
def comparison(board: Board, a: Answers, b: Answers, depth: int = 5) -> Comparison:
    """a against b on the board's pairs: differences, intervals, verdicts."""
    pairs, teacher = board.pairs, board.teacher.predictions if board.teacher else None
    ours, theirs, permutations = a.predictions, b.predictions, area_permutations(pairs)
    return _stored(
        _files(a, pairs, (ours, theirs, teacher), "comparison", depth, permutations),
        comparison_from_json,
        lambda: compare(
            pairs, ours, theirs, teacher=teacher, depth=depth, area_permutations=permutations
        ),
    )


@by_hash(most=60, on=lambda board, a, b, rows: (board.pairs, a, b, board.teacher, rows))
def comparison_of_rows(board: Board, a: Answers, b: Answers, rows: NDArray[np.int64]) -> Comparison:
    """a against b on some of the board's pairs; rows: (pairs,).

    As many resamples as `evaluation_of_rows`, 1,000 permutations (200 of an area): nothing of it
    is stored.
    """
    if len(rows) == len(board.pairs):
        return comparison(board, a, b)
    part, teacher = _part(board.pairs, rows), board.teacher
    ours, theirs = (x.predictions.on(rows, part.content_hash) for x in (a, b))
    whole = compare(
        part,
        ours,
        theirs,
        teacher=teacher.predictions.on(rows, part.content_hash) if teacher else None,
        resamples=_resamples(rows),
        permutations=_PERMUTATIONS,
        area_permutations=_AREA_PERMUTATIONS,
    )
    undefined = _without_order(part)
    tested = {k: d for k, d in whole.differences.items() if not undefined(k)}
    return replace(whole, differences=tested)


def _resamples(rows: NDArray[np.int64]) -> int:
    return int(np.clip(_DRAWN // len(rows), *_RESAMPLES))


@by_hash(most=60, on=lambda board, metric="roc_auc": (board.pairs, *board.models.items(), metric))
def gap(board: Board, metric: str = "roc_auc") -> GapRecovered | None:
    """The gap recovered by the student on the board; None without a twin or a teacher."""
    teacher, student, twin = board.teacher, board.student, board.twin
    if teacher is None or student is None or twin is None:
        return None
    three = (twin.predictions, student.predictions, teacher.predictions)
    if student.run is None:
        return gap_recovered(board.pairs, *three, metric)
    path = gap_file(student.run.folder / "evaluation", board.pairs, *three, metric)
    if (stored := read_result(path, gap_from_json)) is not None:
        return stored
    result = gap_recovered(board.pairs, *three, metric)
    if not path.is_relative_to(access.demo().root) and not access.public():
        write_result(path, result)
    return result


def _teacher_of(board: Board, model: Answers) -> Predictions | None:
    """The answers of the board's teacher, unless the model is the teacher itself."""
    teacher = board.teacher
    return teacher.predictions if teacher and teacher.key != model.key else None


def _in_one_workspace(teacher: Answers | None, model: Answers) -> bool:
    """Whether both are runs of one workspace: a name tells them apart only there."""
    if teacher is None or teacher.run is None or model.run is None:
        return False
    return teacher.run.folder.parent == model.run.folder.parent


def _in_run(
    pairs: PairTable, model: Answers, temperature: float, teacher: str | None
) -> Evaluation | None:
    """The evaluation in the run's folder, where it has just these inputs."""
    for split in pairs.splits if model.run else ():
        try:
            stored = stored_evaluation(model.run, split) if model.run else None
        except LabError:
            continue  # of another version: measure anew
        inputs = (stored.data_hash, stored.temperature) if stored else ()
        if stored is None or inputs != (pairs.content_hash, temperature):
            continue
        if stored.teacher == teacher:
            return stored
        if teacher is None and stored.teacher == model.predictions.model:
            return _without_teacher(stored)
    return None


def _without_teacher(evaluation: Evaluation) -> Evaluation:
    """A teacher's evaluation without the comparison with itself."""
    prefix = "teacher_"
    return replace(
        evaluation,
        teacher=None,
        metrics={k: m for k, m in evaluation.metrics.items() if not k.startswith(prefix)},
        columns={k: c for k, c in evaluation.columns.items() if not k.startswith(prefix)},
        notes=tuple(n for n in evaluation.notes if not n.startswith(prefix)),
    )


def _files(
    model: Answers, pairs: PairTable, answers: Sequence[Predictions | None], *measure: object
) -> list[Path]:
    """Where a result may lie: in its run's folder, and last in the visitor's cache."""
    folders = [model.run.folder / "evaluation"] if model.run else []
    folders.append(access.home().cache_folder(_FOLDER))
    return [result_file(folder, pairs, answers, *measure) for folder in folders]


def _stored(
    files: Sequence[Path], parse: Callable[[str], Result], measure: Callable[[], Result]
) -> Result:
    """The result in one of the files, else measured now and stored in the last of them."""
    for path in files:
        if (stored := read_result(path, parse)) is not None:
            return stored
    result = measure()
    if not access.public():
        with suppress(OSError):  # a full disk stops nothing
            write_result(files[-1], result)
            oldest_first = sorted(files[-1].parent.glob("*.json"), key=lambda p: p.stat().st_mtime)
            for path in oldest_first[:-_MOST]:
                path.unlink(missing_ok=True)
    return result
