"""Input drift: numbers that were not measured on the same pairs, in the same way, by the same code.

Two runs share a chart or a difference only when data, split, metric and code agree; whoever wants
them together all the same says so, and is reminded.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from kdcore.runs.listing import SPLIT, Row

KINDS: Mapping[str, str] = {
    "data": "test pairs",
    "split": "split",
    "metric": "metric",
    "code": "code",
}


@dataclass(frozen=True)
class Inputs:
    """What stands behind a number, a short hash or name each; "" where it was not recorded."""

    data: str
    split: str
    metric: str
    code: str

    def short(self) -> str:
        """All four in a line, for an export."""
        return " ".join(f"{kind}={getattr(self, kind) or 'unknown'}" for kind in KINDS)


@dataclass(frozen=True)
class Parted:
    """Runs that may stand beside the base, and for the others why not, by folder."""

    same: tuple[Row, ...]
    apart: Mapping[Path, tuple[str, ...]]

    def reasons(self) -> dict[str, int]:
        """How many runs each reason keeps apart, the most common first."""
        counts: dict[str, int] = {}
        for told in self.apart.values():
            for reason in told:
                counts[reason] = counts.get(reason, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))


def inputs_of(row: Row, metric: str) -> Inputs:
    """The inputs of a run's test metric.

    data: content hash of the pairs scored (texts, grades, order); metric: hash of its definition,
    of the grades and, where one is used, of the temperature; code: version of the lab.
    """
    tested = row.test
    pairs = tested.metrics.get(metric)
    split = f"{SPLIT}, {pairs.n:,} {pairs.unit}" if pairs else ""
    return Inputs(tested.data_hash, split, _of_metric(row, metric), code_of(row))


def code_of(row: Row) -> str:
    """The version of the lab that made a run, or ""."""
    return str(row.provenance.get("code") or row.provenance.get("kdlab") or "")


def reasons(row: Row, base: Row, metric: str) -> tuple[str, ...]:
    """Why two runs' numbers are not set side by side, a few words each; none when they may be."""
    return _between(inputs_of(row, metric), inputs_of(base, metric))


def _between(one: Inputs, other: Inputs) -> tuple[str, ...]:
    told = []
    for kind, name in KINDS.items():
        a, b = getattr(one, kind), getattr(other, kind)
        if a == b and (a or kind == "code"):
            continue
        told.append(f"other {name}" if a and b else f"{name} not recorded")
    return tuple(told)


def part(rows: Iterable[Row], base: Row, metric: str) -> Parted:
    """Rows that agree with the base in all inputs, and the others with their reasons.

    A run without the metric has nothing to compare and is in neither.
    """
    same: list[Row] = []
    apart: dict[Path, tuple[str, ...]] = {}
    wanted = inputs_of(base, metric)
    for row in rows:
        if metric not in row.test.metrics:
            continue
        told = _between(inputs_of(row, metric), wanted)
        if told:
            apart[row.run.folder] = told
        else:
            same.append(row)
    return Parted(tuple(same), apart)


def _of_metric(row: Row, metric: str) -> str:
    definition = row.test.definitions.get(metric, "")
    heated = row.test.temperature if metric.startswith("teacher_") else None
    return _hash(metric, definition, row.test.grades, heated) if definition else ""


@lru_cache(maxsize=256)
def _hash(metric: str, definition: str, grades: tuple[str, ...], heated: float | None) -> str:
    about = (metric, definition, grades) + (() if heated is None else (heated,))
    return hashlib.sha256(repr(about).encode()).hexdigest()[:8]
