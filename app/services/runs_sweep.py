"""Sweeps among the runs: which there are, and what their cells came to once they are judged."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from app.services import places
from app.services.data_intake import refuse_public
from app.services.runs_list import Entry
from kdcore import lab
from kdcore.config import DistillConfig, from_dict
from kdcore.errors import LabError, RunError
from kdcore.judging.drift import Parted, part
from kdcore.pairs import PairTable
from kdcore.runs import listing
from kdcore.runs.kept import kept_file
from kdcore.runs.listing import Row
from kdcore.runs.store import Run
from kdcore.whatif.commandline import arguments_of
from kdcore.whatif.sweep import CellResult, Sweep, SweepTable, sweep_table

_JUDGED: dict[str, SweepTable] = {}  # by metric and the looks of cells and twins
_SEEN: dict[str, bool] = {}  # whether the comparisons of such files are all kept
_MOST = 20
_TEMPERATURES = {"method.params.temperature": (1, 2, 4, 8)}
GRIDS: Sequence[Mapping[str, Sequence[float]]] = (  # the first that fits a run is proposed
    _TEMPERATURES | {"hard_weight": (0, 0.5)},
    _TEMPERATURES,
    {"seed": (0, 1, 2)},
)


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
    """The table of a sweep that was judged as it stands now, else None; nothing is measured.

    Comparisons that the command line kept, or another visit, are found again.
    """
    name = _name(cells, metric)
    if name not in _JUDGED and _all_kept(cells):
        _hold(name, sweep_table([e.row.run for e in cells], metric, places.home()))
    return _JUDGED.get(name)


def command(entry: Entry) -> str:
    """The command line of a sweep around a distillation; "" for a run that is none."""
    with suppress(LabError):
        config = from_dict(entry.row.run.config)
        if isinstance(config, DistillConfig):
            return next(filter(None, (_line(config, grid) for grid in GRIDS)), "")
    return ""


def _line(config: DistillConfig, grid: Mapping[str, Sequence[float]]) -> str:
    """The line of one grid; "" where the config does not have its settings."""
    try:
        Sweep(config, grid).cells()
    except LabError:
        return ""
    axes = (f"{path}={','.join(map(str, values))}" for path, values in grid.items())
    more = [word for axis in axes for word in ("--grid", axis)]
    return shlex.join(["kdlab", "sweep", *arguments_of(config), *more])


def judge(cells: Sequence[Entry], metric: str) -> SweepTable:
    """Hold every cell up to its twin, all cells kept in mind; results stay in the runs' folders.

    RunError in a public showing and while a twin is at work: too few p-values would be corrected.
    """
    refuse_public()
    if busy := unfinished_twins(cells):
        raise RunError(f"{len(busy)} twins of these cells are not finished: {', '.join(busy[:3])}")
    runs: list[Run] = [e.row.run for e in cells]
    table = sweep_table(runs, metric, places.home())
    _hold(_name(cells, metric), table)
    return table


def _hold(name: str, table: SweepTable) -> None:
    while len(_JUDGED) >= _MOST:
        _JUDGED.pop(next(iter(_JUDGED)), None)
    _JUDGED[name] = table


def _all_kept(cells: Sequence[Entry]) -> bool:
    """Whether every finished cell's test, and its comparison with its twin, lies in its folder."""
    beside = [(e.row, t) for e in cells if e.row.state == "finished" and (t := _twin(e))]
    if not beside or unfinished_twins(cells) or not all(r.test.metrics for r, _ in beside):
        return False
    files = [tuple(r.run.folder.glob("evaluation/comparison-*.json")) for r, _ in beside]
    if not all(files):
        return False
    seen = repr(([(_look(r), _look(t)) for r, t in beside], sorted(map(sorted, files))))
    if seen not in _SEEN:  # reading what was answered takes a while: once for the same files
        while len(_SEEN) >= _MOST:
            _SEEN.pop(next(iter(_SEEN)), None)
        _SEEN[seen] = _same_answers(beside)
    return _SEEN[seen]


def _same_answers(beside: Sequence[tuple[Row, Row]]) -> bool:
    """Whether what is kept is of just these answers."""
    tables: dict[str, PairTable] = {}
    try:
        for row, twin in beside:
            key = repr((row.run.config.get("data"), row.run.config.get("limit")))
            if key not in tables:
                tables[key] = lab.split_of(row.run, listing.SPLIT, places.home())
            said = (lab.predictions(row.run), lab.predictions(twin.run))
            folder = row.run.folder / "evaluation"
            if not kept_file(folder, tables[key], said, "comparison").is_file():
                return False
    except (LabError, OSError):
        return False
    return True


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
