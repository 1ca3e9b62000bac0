"""Sweeps among the runs: which there are, and the states of their cells."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from app.services.runs.differences import kept_delta
from app.services.runs.entry import Entry
from kdcore.config import DistillConfig
from kdcore.errors import LabError
from kdcore.experiments.command_line import arguments_of
from kdcore.experiments.sweep import CellResult, Sweep, SweepTable, table_of
from kdcore.judging.drift import Separation, separate
from kdcore.runs import listing
from kdcore.runs.listing import Row

_TEMPERATURES = {"method.params.temperature": (1, 2, 4, 8)}
GRIDS: Sequence[Mapping[str, Sequence[float]]] = (  # the first that fits a run is proposed
    _TEMPERATURES | {"hard_weight": (0, 0.5)},
    _TEMPERATURES,
    {"seed": (0, 1, 2)},
)


def sweeps(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The cells of each sweep by its group, the newest sweep first, cells as they were made."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.row.run.purpose.role == "cell" and entry.row.run.purpose.group:
            groups.setdefault(entry.row.run.purpose.group, []).append(entry)
    for cells in groups.values():
        cells.sort(key=lambda e: (e.row.run.created, e.row.id))
    return groups


def unlike(cells: Sequence[Entry], metric: str) -> Separation:
    """Cells whose numbers were measured on other inputs than those of most, and why."""
    rows = [e.row for e in cells if metric in e.row.test.metrics]
    hashes = [r.test.data_hash for r in rows]
    common = max(hashes, key=hashes.count, default="")
    base = next((r for r in rows if r.test.data_hash == common), None)
    return separate(rows, base, metric) if base else Separation((), {})


def table(cells: Sequence[Entry], metric: str) -> SweepTable:
    """Every cell as it stands: its state, what is kept of its test, its difference to its twin.

    Nothing is measured here. The correction for many cells is over those compared so far.
    """
    return table_of([_result(entry, metric) for entry in cells], metric)


def _result(entry: Entry, metric: str) -> CellResult:
    row, twin = entry.row, twin_of(entry)
    result = CellResult(
        row.id, entry.title, row.state, row.run.purpose.changed, twin=row.run.purpose.twin
    )
    if test := row.test.metrics.get(metric):
        result = replace(result, value=test.value, low=test.low, high=test.high)
    deltas = kept_delta(row, twin) if twin and row.state == "finished" else None
    if twin is None or deltas is None or metric not in deltas:
        return result
    return result.with_difference(deltas[metric], row.run, twin.run)


def command(entry: Entry) -> str:
    """The command line of a sweep around a distillation; "" for a run that is none."""
    for grid in GRIDS:
        with suppress(LabError):  # the config is damaged, or does not have these settings
            config = entry.row.run.config
            if isinstance(config, DistillConfig):
                Sweep(config, grid).cells()
                axes = (f"{path}={','.join(map(str, values))}" for path, values in grid.items())
                options = [word for axis in axes for word in ("--grid", axis)]
                return shlex.join(["kdlab", "sweep", *arguments_of(config), *options])
    return ""


def twin_of(cell: Entry) -> Row | None:
    """The twin that a cell was launched with."""
    name = cell.row.run.purpose.twin
    folder = cell.row.run.folder.parent / name
    return listing.row_of(folder) if name and folder.is_dir() else None
