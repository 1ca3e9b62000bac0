"""Differences between the tests of two runs, kept in a workspace so that a list shows them at once.

A difference is kept under what both prediction files look like from outside (path, moment, size),
so that it is found again without reading them, and not found once one of them has changed.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

from kdcore.evaluation.comparison import Comparison
from kdcore.metrics.definitions import VERSION
from kdcore.metrics.significance import stored_verdict
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, write_json_atomic

FORMAT = 1  # raised when the same files would be compared otherwise
SPLIT = "test"
_FOLDER = "runs"
_READ: dict[tuple[Path, str], Mapping[str, "Delta"]] = {}  # small, and never out of date


class Delta(NamedTuple):
    """One metric of a run less another's: paired interval, p, verdict, and over how many."""

    delta: float
    low: float
    high: float
    p: float
    permutations: int
    smallest_detectable: float
    verdict: str
    n: int
    unit: str


def pair_name(run: Run, other: Run) -> str | None:
    """What the difference of two runs is kept under; None where one has no predictions."""
    looks = []
    for each in (run, other):
        path = each.predictions_path(SPLIT)
        try:
            seen = os.stat(path)
        except OSError:
            return None
        looks.append((str(path), seen.st_mtime_ns, seen.st_size))
    return hashlib.sha256(repr((VERSION, FORMAT, looks)).encode()).hexdigest()[:16]


def kept_deltas(workspace: Workspace, run: Run, other: Run) -> Mapping[str, Delta] | None:
    """Every metric's difference where it was measured before; reads no predictions."""
    name = pair_name(run, other)
    if name is None:
        return None
    path = _path(workspace, name)
    if (path, name) not in _READ:
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            _READ[path, name] = {metric: _delta(each) for metric, each in values.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return None
    return _READ[path, name]


def keep_deltas(workspace: Workspace, run: Run, other: Run, found: Comparison) -> None:
    """Keep the differences of a comparison where `kept_deltas` finds them."""
    name = pair_name(run, other)
    if name is None:
        return
    path = _path(workspace, name)
    _READ[path, name] = deltas_of(found)
    with suppress(OSError):  # a full disk is no reason to stop
        write_json_atomic(path, {k: d._asdict() for k, d in _READ[path, name].items()})


def deltas_of(found: Comparison) -> dict[str, Delta]:
    """The differences of a comparison by metric."""
    return {
        key: Delta(
            *(d.delta, d.low, d.high, d.p, d.permutations),
            *(d.smallest_detectable, str(d.verdict), d.n, d.n_unit),
        )
        for key, d in found.differences.items()
    }


def forget() -> None:
    """Read every kept difference anew."""
    _READ.clear()


def _path(workspace: Workspace, name: str) -> Path:
    return workspace.cache_folder(_FOLDER) / f"delta-{name}.json"


def _delta(values: Mapping[str, Any]) -> Delta:
    numbers: dict[str, Any] = {k: nan if v is None else v for k, v in values.items()}
    return Delta(**{**numbers, "verdict": stored_verdict(numbers["verdict"])})
