"""Input drift: numbers that were not measured on the same pairs, in the same way, by the same code.

Two runs share a chart or a difference only when data, split, metric and code agree; whoever wants
them together all the same says so, and is reminded.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    test = row.test
    metric_value = test.metrics.get(metric)
    split = f"{SPLIT}, {metric_value.n:,} {metric_value.unit}" if metric_value else ""
    return Inputs(test.data_hash, split, _of_metric(row, metric), code_of(row))


def code_of(row: Row) -> str:
    """The version of the lab that made a run, or ""."""
    return str(row.run.provenance.get("code") or row.run.provenance.get("kdlab") or "")


def reasons(row: Row, base: Row, metric: str) -> tuple[str, ...]:
    """Why two runs' numbers are not set side by side, a few words each; none when they may be."""
    return _between(inputs_of(row, metric), inputs_of(base, metric))


def _between(one: Inputs, other: Inputs) -> tuple[str, ...]:
    parts = []
    for kind, name in KINDS.items():
        a, b = getattr(one, kind), getattr(other, kind)
        if a == b and (a or kind == "code"):
            continue
        parts.append(f"other {name}" if a and b else f"{name} not recorded")
    return tuple(parts)


def part(rows: Iterable[Row], base: Row, metric: str) -> Parted:
    """Rows that agree with the base in all inputs, and the others with their reasons.

    A run without the metric has nothing to compare and is in neither.
    """
    wanted = inputs_of(base, metric)
    measured = [row for row in rows if metric in row.test.metrics]
    return _parted(measured, None, lambda row: _between(inputs_of(row, metric), wanted))


def part_validation(rows: Iterable[Row], base: Row) -> Parted:
    """Rows with a validation on the base's validation pairs, by its code, and the others.

    Whether a run was tested says nothing of what it was validated on.
    """
    looked = [row for row in rows if row.best is not None]
    wanted = (validated_on(base), code_of(base))
    return _parted(looked, base, lambda row: _unlike((validated_on(row), code_of(row)), wanted))


def most_validated(rows: Sequence[Row], base: Row) -> Row:
    """The row whose validation pairs are those of most rows; the base where it is one of them."""
    known = [row for row in rows if row.best is not None]
    hashes = [(validated_on(row), code_of(row)) for row in known]
    common = max(hashes, key=hashes.count, default=None)
    of_most = [row for row, pairs in zip(known, hashes, strict=True) if pairs == common]
    same = [row for row in of_most if row.run.folder == base.run.folder]
    return next(iter([*same, *of_most]), base)


def validated_on(row: Row) -> str:
    """Content hash of the validation pairs of a run, or "" where it recorded none."""
    validation = row.run.splits.get("validation")
    return validation.content_hash if validation else ""


def _unlike(one: tuple[str, str], other: tuple[str, str]) -> tuple[str, ...]:
    parts = []
    if not one[0] or not other[0]:
        parts.append("validation pairs not recorded")
    elif one[0] != other[0]:
        parts.append("other validation pairs")
    return (*parts, "other code") if one[1] != other[1] else tuple(parts)


def part_machines(rows: Sequence[Row], base: Row, *, latency: bool) -> Parted:
    """Rows whose time was taken on one machine, and the others; those without a time in neither.

    latency: of one pair, else of the training. The machine is the base's, where its time tells
    one, else the commonest.
    """
    timed = [row for row in rows if (row.latency if latency else row.seconds is not None)]
    known = [m for row in timed if (m := machine_of(row, latency=latency))]
    own = machine_of(base, latency=latency)
    wanted = own or max(known, key=known.count, default="")

    def why(row: Row) -> tuple[str, ...]:
        machine = machine_of(row, latency=latency)
        if not machine:
            return ("machine not recorded",)
        return () if machine == wanted else ("other machine",)

    return _parted(timed, None, why)


def machine_of(row: Row, *, latency: bool) -> str:
    """Machine and device that a latency, or a training, was timed on; "" where none is told."""
    record = row.latency if latency else row.run.provenance
    machine, device = record.get("machine"), record.get("device")
    return f"{machine} ({device})" if machine and device else str(machine or "")


def _parted(rows: Iterable[Row], base: Row | None, why: Callable[[Row], tuple[str, ...]]) -> Parted:
    same: list[Row] = []
    apart: dict[Path, tuple[str, ...]] = {}
    for row in rows:
        differences = () if base and row.run.folder == base.run.folder else why(row)
        if differences:
            apart[row.run.folder] = differences
        else:
            same.append(row)
    return Parted(tuple(same), apart)


def _of_metric(row: Row, metric: str) -> str:
    definition = row.test.definitions.get(metric, "")
    temperature = row.test.temperature if metric.startswith("teacher_") else None
    return _hash(metric, definition, row.test.grades, temperature) if definition else ""


@lru_cache(maxsize=256)
def _hash(metric: str, definition: str, grades: tuple[str, ...], temperature: float | None) -> str:
    parts = (metric, definition, grades) + (() if temperature is None else (temperature,))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]
