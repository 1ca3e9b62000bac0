"""Sweeps among the runs: which there are, and what their cells came to once they are judged."""

from collections.abc import Sequence
from typing import Any

from app.services import places
from app.services.data_intake import refuse_public
from app.services.runs_list import Entry
from kdcore.errors import RunError
from kdcore.judging.drift import Parted, part
from kdcore.runs import listing
from kdcore.runs.listing import Row
from kdcore.runs.store import Run
from kdcore.whatif.sweep import CellResult, SweepTable, sweep_table

_JUDGED: dict[str, SweepTable] = {}  # by metric and the looks of cells and twins
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


def unlike(cells: Sequence[Entry], metric: str) -> Parted:
    """Cells whose numbers were measured on other inputs than those of most, and why."""
    rows = [e.row for e in cells if metric in e.row.test.metrics]
    hashes = [r.test.data_hash for r in rows]
    common = max(hashes, key=hashes.count, default="")
    base = next((r for r in rows if r.test.data_hash == common), None)
    return part(rows, base, metric) if base else Parted((), {})


def judged(cells: Sequence[Entry], metric: str) -> SweepTable | None:
    """The table of a sweep that was judged as it stands now, else None; nothing is measured."""
    return _JUDGED.get(_name(cells, metric))


def judge(cells: Sequence[Entry], metric: str) -> SweepTable:
    """Hold every cell up to its twin, all cells kept in mind; results stay in the runs' folders.

    RunError in a public showing and while a twin is at work: too few p-values would be corrected.
    """
    refuse_public()
    if busy := unfinished_twins(cells):
        raise RunError(f"{len(busy)} twins of these cells are not finished: {', '.join(busy[:3])}")
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
    return repr((metric, [(_look(e.row), (t := _twin(e)) and _look(t)) for e in cells]))


def unfinished_twins(cells: Sequence[Entry]) -> list[str]:
    """Twins of the cells that wait or work, each once."""
    twins = {t.id: t for e in cells if (t := _twin(e)) is not None}
    return [name for name, twin in twins.items() if twin.state in ("queued", "running")]


def _twin(cell: Entry) -> Row | None:
    folder = cell.row.run.folder.parent / cell.row.about.twin
    known = bool(cell.row.about.twin) and folder.is_dir()
    return listing.row_of(folder) if known else None


def _look(row: Row) -> tuple[str, str, int]:
    """A run and its answers as they are now: another training, or scoring, is another verdict."""
    try:
        changed = row.run.predictions_path(listing.SPLIT).stat().st_mtime_ns
    except OSError:
        changed = 0
    return str(row.run.folder), row.state, changed
