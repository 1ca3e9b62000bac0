"""Check that a demo is complete: its files are unchanged and its models give its logits."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from kdcore.data.pairs import PairTable
from kdcore.demo import CARD, TOLERANCE
from kdcore.demo.pack import answers
from kdcore.errors import DataError, LabError
from kdcore.predictions import Predictions
from kdcore.runs.store import Run


def read_card(folder: Path) -> dict[str, Any]:
    """Read demo.json; DataError when the folder is not a demo."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return dict(card) if isinstance(card["files"], dict) else {}
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise DataError(
            f"{folder} is not a demo ({cause}); `kdlab demo build --out {folder}` builds one"
        ) from None


def problems(folder: Path, rows: int = 200) -> tuple[str, ...]:
    """Return a sentence for everything that is wrong; none when the demo is complete.

    rows: test pairs, evenly spread, that each model predicts again.
    """
    card = read_card(folder)
    broken = files(folder, card)
    if broken:  # a model with a damaged file cannot be checked
        return broken
    pairs = PairTable.load(folder / "data" / card["data"]["name"])
    named = [folder / "runs" / name for name in card["runs"]]
    return tuple(problem for run in named for problem in same_answers(Run.load(run), pairs, rows))


def digests(folder: Path, pattern: str = "**/*") -> dict[str, str]:
    """The SHA-256 of each file that a pattern finds, by its path inside the folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    }


def files(folder: Path, card: dict[str, Any]) -> tuple[str, ...]:
    """List each shipped file that is missing or was changed."""
    broken = []
    for name, digest in card["files"].items():
        path = folder / name
        if not path.is_file():
            broken.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            broken.append(f"{name} is not the file that was built")
    return tuple(broken)


def same_answers(run: Run, pairs: PairTable, rows: int = 200) -> tuple[str, ...]:
    """Return a sentence unless a shipped model gives its shipped logits, within TOLERANCE."""
    try:
        shipped = Predictions.load(run.predictions_path("test"))
        shipped.require(pairs.content_hash, len(pairs))
        chosen = np.unique(np.linspace(0, len(pairs) - 1, rows).astype(np.int64))
        again = answers(run, pairs.take(chosen))
    except LabError as error:
        return (f"{run.id}: {error}",)
    off = float(np.abs(again.logits - shipped.logits[chosen]).max())
    if off <= TOLERANCE:
        return ()
    return (f"{run.id}: a logit is {off:.2g} away from the shipped one; {TOLERANCE:g} is allowed",)
