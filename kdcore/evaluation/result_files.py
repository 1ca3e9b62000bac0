"""Evaluations and comparisons as files, found again for just the same pairs and answers.

A result lies under a hash of the pairs and answers that it was measured on. A list of runs reads no
answers: for it, the differences between two runs also lie under what their prediction files look
like (path, moment, size), and are not found once one of these files has changed.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.evaluation.comparison import Comparison, Difference
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.exports import differences_of, evaluation_from_json, to_json
from kdcore.evaluation.gap import GapRecovered
from kdcore.metrics.definitions import VERSION
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, write_json_atomic, write_text_atomic

Result = TypeVar("Result")
FORMAT = 2  # of stored differences; raised when the same files would be compared otherwise


def stored_evaluation(run: Run, split: str = "test") -> Evaluation | None:
    """The evaluation in a run's folder; None without one, or when metrics were redefined."""
    path = run.evaluation_path(split)
    if not path.exists():
        return None
    evaluation = evaluation_from_json(path.read_text(encoding="utf-8"))
    return evaluation if evaluation.version == VERSION else None


def keep_evaluation(run: Run, split: str, evaluation: Evaluation) -> Evaluation:
    """Write an evaluation into its run's folder; where that fails, a note of it says so."""
    try:
        write_text_atomic(run.evaluation_path(split), to_json(evaluation))
    except OSError as cause:  # a folder that cannot be written to, or a full disk
        reason = (cause.strerror or str(cause)).lower()
        note = f"This evaluation was not saved in {run.folder}: {reason}."
        return replace(evaluation, notes=(*evaluation.notes, note))
    return evaluation


def result_file(
    folder: Path, pairs: PairTable, answers: Sequence[Predictions | None], *how: object
) -> Path:
    """Where a result of these pairs and answers lies; how: what was measured, and its settings."""
    digest = hashlib.sha256(repr((VERSION, pairs.name, pairs.content_hash, how)).encode())
    if pairs.truth is not None:  # not in the content hash
        digest.update(pairs.truth.tobytes())
    for each in answers:
        digest.update(repr(each and (each.model, each.logits.shape)).encode())
        digest.update(each.digest.encode() if each else b"")
    return folder / f"{how[0] if how else 'result'}-{digest.hexdigest()[:16]}.json"


def write_result(path: Path, result: Evaluation | Comparison | GapRecovered) -> None:
    """Write a result to a file, where `read_result` finds it."""
    write_text_atomic(path, to_json(result, indent=None))


def read_result(path: Path, read: Callable[[str], Result]) -> Result | None:
    """Return what `read` makes of a file's text, or None when there is nothing to read.

    read: evaluation_from_json and the like; DataError for a text that is something else.
    """
    try:
        return read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, DataError):
        return None


def differences_file(workspace: Workspace, run: Run, other: Run) -> Path | None:
    """Where the differences between two runs lie; None where one has no test predictions."""
    stamps = []
    for each in (run, other):
        path = each.predictions_path("test")
        try:
            stat = os.stat(path)
        except OSError:
            return None
        stamps.append((str(path), stat.st_mtime_ns, stat.st_size))
    digest = hashlib.sha256(repr((VERSION, FORMAT, stamps)).encode()).hexdigest()[:16]
    return workspace.cache_folder("runs") / f"delta-{digest}.json"


def stored_differences(
    workspace: Workspace, run: Run, other: Run
) -> Mapping[str, Difference] | None:
    """Every metric of a run less another's where it was measured before; reads no predictions."""
    path = differences_file(workspace, run, other)
    try:
        return read_differences(path) if path else None
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None


def store_differences(workspace: Workspace, run: Run, other: Run, comparison: Comparison) -> None:
    """Write the differences of a comparison where `stored_differences` finds them."""
    path = differences_file(workspace, run, other)
    if path is not None:
        with suppress(OSError):  # a full disk is no reason to stop
            write_json_atomic(path, comparison.differences)
        read_differences.cache_clear()


@lru_cache(maxsize=4096)  # the name of a file changes with its content
def read_differences(path: Path) -> Mapping[str, Difference]:
    """The differences in a file; an error when it is missing or damaged."""
    return differences_of(json.loads(path.read_text(encoding="utf-8")))
