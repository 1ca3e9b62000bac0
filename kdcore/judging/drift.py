"""Input drift: numbers that were not measured on the same pairs, in the same way, by the same code.

Two runs share a chart or a difference only when data, split, metric and code agree, unless the
visitor asks for them together.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
class Separation:
    """Runs that may stand beside the base, and for the others why not, by folder."""

    same: tuple[Row, ...]
    apart: Mapping[Path, tuple[str, ...]]

    def reasons(self) -> dict[str, int]:
        """How many runs each reason keeps apart, the most common first."""
        counts = Counter(reason for reasons in self.apart.values() for reason in reasons)
        return dict(counts.most_common())


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
        if a != b or not (a or kind == "code"):
            parts.append(f"other {name}" if a and b else f"{name} not recorded")
    return tuple(parts)


def separate(rows: Iterable[Row], base: Row, metric: str) -> Separation:
    """Rows that agree with the base in all inputs, and the others with their reasons.

    A run without the metric has nothing to compare and is in neither.
    """
    inputs = inputs_of(base, metric)
    measured = [row for row in rows if metric in row.test.metrics]
    return _separation(measured, None, lambda row: _between(inputs_of(row, metric), inputs))


def separate_validation(rows: Iterable[Row], base: Row) -> Separation:
    """Rows with a validation on the base's validation pairs, by its code, and the others.

    Whether a run was tested says nothing of what it was validated on.
    """
    validated = [row for row in rows if row.best is not None]
    own, code = validated_on(base), code_of(base)

    def why(row: Row) -> tuple[str, ...]:
        pairs, parts = validated_on(row), []
        if not pairs or not own:
            parts.append("validation pairs not recorded")
        elif pairs != own:
            parts.append("other validation pairs")
        return (*parts, "other code") if code_of(row) != code else tuple(parts)

    return _separation(validated, base, why)


def most_validated(rows: Sequence[Row], base: Row) -> Row:
    """The row whose validation pairs are those of most rows; the base where it is one of them."""
    validated = [row for row in rows if row.best is not None]
    hashes = [(validated_on(row), code_of(row)) for row in validated]
    common = max(hashes, key=hashes.count, default=None)
    of_most = [row for row, pairs in zip(validated, hashes, strict=True) if pairs == common]
    same = [row for row in of_most if row.run.folder == base.run.folder]
    return next(iter([*same, *of_most]), base)


def validated_on(row: Row) -> str:
    """Content hash of the validation pairs of a run, or "" where it recorded none."""
    validation = row.run.splits.get("validation")
    return validation.content_hash if validation else ""


def separate_machines(rows: Sequence[Row], base: Row, *, latency: bool) -> Separation:
    """Rows whose time was taken on one machine, and the others; those without a time in neither.

    latency: of one pair, else of the training. The machine is that of the base's time, where it is
    recorded, else the most common one.
    """
    timed = [row for row in rows if (row.latency if latency else row.seconds is not None)]
    machines = [m for row in timed if (m := machine_of(row, latency=latency))]
    common = max(machines, key=machines.count, default="")
    usual = machine_of(base, latency=latency) or common

    def why(row: Row) -> tuple[str, ...]:
        machine = machine_of(row, latency=latency)
        if not machine:
            return ("machine not recorded",)
        return () if machine == usual else ("other machine",)

    return _separation(timed, None, why)


def machine_of(row: Row, *, latency: bool) -> str:
    """Machine and device that a latency, or a training, was timed on; "" where none is recorded."""
    record = row.latency if latency else row.run.provenance
    machine, device = record.get("machine"), record.get("device")
    return f"{machine} ({device})" if machine and device else str(machine or "")


def _separation(
    rows: Iterable[Row], base: Row | None, why: Callable[[Row], tuple[str, ...]]
) -> Separation:
    same: list[Row] = []
    apart: dict[Path, tuple[str, ...]] = {}
    for row in rows:
        differences = () if base and row.run.folder == base.run.folder else why(row)
        if differences:
            apart[row.run.folder] = differences
        else:
            same.append(row)
    return Separation(tuple(same), apart)


def _of_metric(row: Row, metric: str) -> str:
    """8 hex digits of how a metric was defined; "" where that was not recorded."""
    parts: tuple[object, ...] = (metric, row.test.definitions.get(metric, ""), row.test.grades)
    if metric.startswith("teacher_"):
        parts += (row.test.temperature,)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8] if parts[1] else ""
