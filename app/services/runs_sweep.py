"""Sweeps among the runs: which there are, and what their cells came to once they are judged."""

from collections.abc import Sequence
from typing import Any

from app.services import places
from app.services.runs_list import Entry
from kdcore.runs.store import Run
from kdcore.whatif.sweep import CellResult, SweepTable, sweep_table

_JUDGED: dict[str, SweepTable] = {}  # by cells, their state and metric: a changed sweep is another
_MOST = 20


def sweeps(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The cells of each sweep by its group, the newest sweep first, cells as they were made."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.row.about.role == "cell" and entry.row.about.group:
            found.setdefault(entry.row.about.group, []).append(entry)
    for cells in found.values():
        cells.sort(key=lambda e: (e.row.run.created, e.row.id))
    return found


def judged(cells: Sequence[Entry], metric: str) -> SweepTable | None:
    """The table of a sweep that was judged as it stands now, else None; nothing is measured."""
    return _JUDGED.get(_name(cells, metric))


def judge(cells: Sequence[Entry], metric: str) -> SweepTable:
    """Hold every cell up to its twin, all cells kept in mind; results stay in the runs' folders."""
    runs: list[Run] = [e.row.run for e in cells]
    table = sweep_table(runs, metric, places.home())
    while len(_JUDGED) >= _MOST:
        _JUDGED.pop(next(iter(_JUDGED)), None)
    _JUDGED[_name(cells, metric)] = table
    return table


def as_it_stands(cells: Sequence[Entry], metric: str) -> list[CellResult]:
    """What is kept of the cells without judging: values, and nothing of their twins."""
    found = []
    for entry in cells:
        row = entry.row
        held = row.test.metrics.get(metric)
        numbers: dict[str, Any] = (
            {"value": held.value, "low": held.low, "high": held.high} if held else {}
        )
        found.append(
            CellResult(
                row.id, entry.title, row.state, row.about.changed, twin=row.about.twin, **numbers
            )
        )
    return found


def _name(cells: Sequence[Entry], metric: str) -> str:
    return repr((metric, [(str(e.row.run.folder), e.row.state, e.row.about.twin) for e in cells]))
