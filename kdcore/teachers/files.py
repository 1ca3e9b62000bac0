"""Files of scores as one teacher: their mean on the pairs that they answer, and what was read."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kdcore.config import DistillConfig
from kdcore.data.answers.teaching import FileAnswers, read_files
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.data.splits import transfer_set
from kdcore.errors import RunError
from kdcore.judging.score_card import ScoreCard, score_card
from kdcore.predictions import Origin, Predictions
from kdcore.runs.store import TEACHER_FILES, Run
from kdcore.scores import log_odds
from kdcore.teachers.cached import TeacherPredictions
from kdcore.teachers.ensemble import averaged, notes_of
from kdcore.workspace import Workspace, last_part, read_json, write_json_atomic


def file_predictions(
    config: DistillConfig, pairs: PairTable, run: Run, workspace: Workspace
) -> TeacherPredictions:
    """Read the files that teach a run: a pair is answered by the mean of those that answer it.

    RunError where a file has changed since the run began.
    """
    split = pairs.frame["split"].to_numpy()
    learned = np.flatnonzero(np.isin(split, config.transfer.split("+")))
    files = read_files(config, pairs, learned, workspace)
    mean = _mean(files, config, pairs)
    has_answer = np.zeros(len(pairs), dtype=bool)
    has_answer[mean.rows] = True
    _refuse_changed(files, run, int(has_answer[learned].sum()), len(learned))
    transfer = transfer_set(pairs, config.transfer)
    answered = has_answer[learned]
    soft = _taken(mean, learned[answered])
    logits = np.zeros((len(learned), mean.logits.shape[1]))  # 0 where nothing is answered
    logits[answered] = soft.logits
    checks = np.flatnonzero((split == "validation") & (pairs.grades != UNLABELLED))
    validation = pairs.split("validation").labelled()
    test = np.flatnonzero(split == "test")
    card = score_card(
        log_odds(soft.logits, pairs.scheme),
        transfer.query_ids[answered],
        transfer.grades[answered],
    )
    return TeacherPredictions(
        Predictions(logits, transfer.content_hash, mean.model, origin=mean.origin),
        _whole(mean, has_answer, checks, validation),
        (
            *(note for each in files for note in each.notes),
            *_agreement(files, config, pairs, learned),
            *_scale(card),
            *_missing_test(int(has_answer[test].sum()), len(test), mean.model),
        ),
        None if answered.all() else answered,
        _whole(mean, has_answer, test, pairs.split("test")) if len(test) else None,
    )


def _refuse_changed(files: Sequence[FileAnswers], run: Run, scored: int, learned: int) -> None:
    """Write down the content of the files when a run begins; compare it when it goes on.

    scored: pairs to learn from that have a score, of learned ones.
    """
    now = [{"name": last_part(each.name), "sha256": each.digest} for each in files]
    begun = read_json(run.folder / TEACHER_FILES).get("files")
    if begun is None:
        write_json_atomic(
            run.folder / TEACHER_FILES, {"files": now, "scored": scored, "learned": learned}
        )
    elif begun != now:
        changed = [each["name"] for each in now if each not in begun]
        raise RunError(
            f"{', '.join(changed) or 'the files of its teacher'} changed after {run.id} began; "
            "restore the earlier content, or start a new run"
        )


def _mean(files: Sequence[FileAnswers], config: DistillConfig, pairs: PairTable) -> Predictions:
    """The files' mean on all pairs that one of them answers; its rows are positions in the table.

    Ours: of a pair that some files leave out, it is the mean of the others by their weights.
    """
    names = " + ".join(each.name for each in files)
    if len(files) == 1:
        (only,) = files
        return Predictions(
            only.logits,
            pairs.content_hash,
            names,
            origin=Origin(only.kind, "teacher"),
            rows=only.rows,
            ranking=only.ranking,
        )
    rows = np.unique(np.concatenate([each.rows for each in files]))
    weights = np.zeros((len(files), len(rows)))
    members = []
    for place, (each, weight) in enumerate(zip(files, config.teaching.weights, strict=True)):
        logits = np.zeros((len(rows), len(pairs.scheme)))
        own = np.searchsorted(rows, each.rows)
        logits[own], weights[place, own] = each.logits, weight
        ranking = None if each.ranking is None else np.zeros(len(rows))  # only whether there is one
        origin = Origin(each.kind, "teacher")
        members.append(
            Predictions(logits, pairs.content_hash, each.name, origin=origin, ranking=ranking)
        )
    mean = averaged(members, config.teaching.average, pairs.scheme, weights)
    return replace(mean, model=names, rows=rows)


def _whole(
    mean: Predictions, has_answer: NDArray[np.bool_], rows: NDArray[np.int64], part: PairTable
) -> Predictions | None:
    """The answers to some pairs of the table; None unless every one is answered."""
    if not len(rows) or not has_answer[rows].all():
        return None
    answers = _taken(mean, rows)
    return replace(answers, data_hash=part.content_hash)


def _taken(mean: Predictions, rows: NDArray[np.int64]) -> Predictions:
    """The answers to these pairs of the table, all of which are answered."""
    assert mean.rows is not None
    return mean.take(np.searchsorted(mean.rows, rows))


def _agreement(
    files: Sequence[FileAnswers],
    config: DistillConfig,
    pairs: PairTable,
    learned: NDArray[np.int64],
) -> tuple[str, ...]:
    """How far several files agree on the pairs that all of them answer."""
    common = learned
    for each in files:
        common = np.intersect1d(common, each.rows)
    if len(files) < 2:
        return ()
    count = f"{len(common):,} pairs to learn from have a score in each of the {len(files)} files"
    if not len(common):
        return (count,)
    members = [
        Predictions(each.logits[np.searchsorted(each.rows, common)], "", each.name)
        for each in files
    ]
    return (count, *notes_of(members, config.teaching.average, pairs.scheme))


def _scale(card: ScoreCard) -> tuple[str, ...]:
    """The scale of the scores in a sentence; none where no query has two ads."""
    if not card.lists:
        return ()
    text = (
        f"scale of the scores: within a query the log-odds of P(relevant) spread by "
        f"{card.spread:.2g} (median of {card.lists:,} queries with two ads or more)"
    )
    if not np.isnan(card.correlation):
        text += f"; mean rank correlation with the labels {card.correlation:.2f}"
    return (text,)


def _missing_test(answered: int, pairs: int, name: str) -> tuple[str, ...]:
    if not pairs or answered == pairs:
        return ()
    count = f"{answered:,} of the {pairs:,}" if answered else "none of the"
    return (
        f"{name} has scores for {count} test pairs, so the teacher's own test metrics, the share "
        "kept of its quality and the gap recovered are not known",
    )
