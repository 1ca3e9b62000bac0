"""Evaluations and comparisons kept as files, found again for just the same pairs and answers."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.evaluation.comparison import Comparison
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.exports import comparison_from_json, evaluation_from_json, to_json
from kdcore.metrics.definitions import VERSION
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.workspace import write_text_atomic


def kept_evaluation(run: Run, split: str = "test") -> Evaluation | None:
    """The evaluation that `lab.evaluate` kept; None without one, or when metrics were redefined."""
    path = run.evaluation_path(split)
    if not path.exists():
        return None
    found = evaluation_from_json(path.read_text(encoding="utf-8"))
    return found if found.version == VERSION else None


def kept_file(
    folder: Path, pairs: PairTable, answers: Sequence[Predictions | None], *about: object
) -> Path:
    """Where a result of these pairs and answers is kept; about: what was measured, and how."""
    digest = hashlib.sha256(repr((VERSION, pairs.name, pairs.content_hash, about)).encode())
    if pairs.truth is not None:  # not in the content hash
        digest.update(pairs.truth.tobytes())
    for said in answers:
        digest.update(repr(said and (said.model, said.logits.shape)).encode())
        digest.update(said.digest.encode() if said else b"")
    return folder / f"{about[0] if about else 'result'}-{digest.hexdigest()[:16]}.json"


def keep(path: Path, found: Evaluation | Comparison) -> None:
    """Write a result where it is found again."""
    write_text_atomic(path, to_json(found, indent=None))


def read_evaluation(path: Path) -> Evaluation | None:
    """What `keep` wrote, or None when there is nothing that can be read."""
    try:
        return evaluation_from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, DataError):
        return None


def read_comparison(path: Path) -> Comparison | None:
    """What `keep` wrote, or None when there is nothing that can be read."""
    try:
        return comparison_from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, DataError):
        return None
