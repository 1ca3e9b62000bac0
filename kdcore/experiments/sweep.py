"""Sweeps: a grid over settings as one group of runs, each beside its twin, and their table.

sweep = Sweep(config, {"method.params.temperature": [1, 2, 4], "limit": [1000, 4000]})
launched = launch_sweep(sweep, workspace)
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from kdcore import lab
from kdcore.analysis.slices import RATE, benjamini_hochberg
from kdcore.config import DistillConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError, LabError, lookup
from kdcore.evaluation.comparison import Comparison
from kdcore.evaluation.evaluate import Evaluation
from kdcore.experiments.changes import changed
from kdcore.experiments.launch import (
    Launched,
    enqueue,
    launch,
    new_group,
    title_of,
    whole_or_nothing,
)
from kdcore.judging.caveats import caveats, early
from kdcore.judging.measured import against_twin
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.about import About
from kdcore.runs.store import Run
from kdcore.runs.twins import Twins, launched_twin
from kdcore.workspace import Workspace

MOST_CELLS = 200
_TITLED = ("method.params.temperature", "method.params.loss", "student", "student.name", "seed")


@dataclass(frozen=True)
class Cell:
    """One point of a grid: what it changes, by path, and the config that this makes."""

    changed: Mapping[str, Any]
    config: DistillConfig


@dataclass(frozen=True)
class Sweep:
    """A grid around a config: each path of `grid` takes each of its values, all with all."""

    base: DistillConfig
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    title: str = ""

    def cells(self) -> list[Cell]:
        """Every cell, the last path changing fastest; ConfigError tells every problem at once.

        More than 200 cells are refused, and so are two that would train the same.
        """
        count = math.prod(len(values) for values in self.grid.values())
        if problems := [f"{path}: give a value" for path, v in self.grid.items() if not v]:
            raise ConfigError("This sweep cannot be made:", problems)
        if count > MOST_CELLS:
            raise ConfigError(
                "This sweep is too large:",
                [f"it has {count:,} cells, {MOST_CELLS} are the most; leave out some values"],
            )
        found: list[Cell] = []
        for values in product(*self.grid.values()):
            changes = dict(zip(self.grid, values, strict=True))
            try:
                found.append(Cell(changes, changed(self.base, changes)))
            except ConfigError as error:
                problems += [p for p in error.problems if p not in problems]
        problems += _repeated(found)
        if problems:
            raise ConfigError("This sweep cannot be made:", problems)
        return found

    def configs(self) -> list[DistillConfig]:
        """The config of every cell."""
        return [cell.config for cell in self.cells()]


@dataclass(frozen=True)
class CellResult:
    """What a cell came to. nan and "" where it is not finished, or has no twin to stand beside.

    delta: its value less its twin's, with its paired 95 % interval and p, as compare() tells.
    q: p with all cells of the sweep in mind; stands: whether the verdict is sure even so, which
    none is where a side was ended early. caveats: what else stands between the two.
    """

    run: str
    title: str
    state: str
    changed: Mapping[str, Any]
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    twin: str = ""
    delta: float = math.nan
    delta_low: float = math.nan
    delta_high: float = math.nan
    p: float = math.nan
    q: float = math.nan
    verdict: str = ""
    stands: bool = False
    caveats: tuple[str, ...] = ()
    whole: bool = True  # whether both sides had all of their epochs


@dataclass(frozen=True)
class SweepTable:
    """The cells of a sweep in one metric, and a word on how many were looked at."""

    metric: str
    name: str
    higher_is_better: bool
    cells: tuple[CellResult, ...]
    caution: str


def launch_sweep(
    sweep: Sweep,
    workspace: Workspace,
    *,
    twin: bool = True,
    start: bool = True,
    about: About | None = None,
) -> list[Launched]:
    """Create a run for each cell, and queue them; cells with an equal twin share it.

    start: False leaves the queue alone. about: parent or preset, where the base came from one.
    """
    cells, twins = sweep.cells(), Twins(workspace)
    told = replace(about or About(), group=new_group(), role="cell", sweep=sweep_title(sweep))
    made: list[Launched] = []
    new: list[Run] = []
    with whole_or_nothing(new, twins):
        for cell in cells:
            one = launch(
                cell.config,
                workspace,
                twin=twin,
                about=replace(told, changed=cell.changed),
                title=cell_title(cell),
                start=False,
                twins=twins,
            )
            made.append(one)
            new += new_runs([one])
        if start:
            enqueue(new, workspace)
    return made


def new_runs(launched: Sequence[Launched]) -> list[Run]:
    """The runs that are to be trained, each once: every student, then its twin if it is new."""
    found: list[Run] = []
    for one in launched:
        found += [one.student, *([one.twin] if one.twin and not one.reused else [])]
    return found


def sweep_title(sweep: Sweep) -> str:
    """What a sweep is called: its title, else what it varies."""
    return sweep.title or " × ".join(path.rpartition(".")[2] for path in sweep.grid) or "one cell"


def cell_title(cell: Cell) -> str:
    """The training's own title, and what the sweep changed beside what that says."""
    more = [
        f"{path.rpartition('.')[2].replace('_', ' ')} {value}"
        for path, value in cell.changed.items()
        if path not in _TITLED
    ]
    return ", ".join([title_of(cell.config), *more])


def sweep_runs(group: str, workspace: Workspace) -> list[Run]:
    """The cells of a sweep in the order in which they were made; UnknownNameError without any."""
    runs = [run for run in lab.store(workspace).list() if run.about.role == "cell"]
    groups = {run.about.group: "" for run in runs}
    lookup(groups, group, "sweep")
    return sorted((r for r in runs if r.about.group == group), key=lambda r: (r.created, r.id))


def sweep_table(
    runs: Sequence[Run], metric: str = "roc_auc", workspace: Workspace | None = None
) -> SweepTable:
    """Every cell's value and its difference to its twin on the test pairs, in order.

    Many comparisons make some come out by chance: q and `stands` are Benjamini-Hochberg's over
    all cells that have a twin.
    """
    lookup(CATALOG, metric, "metric")
    tables: dict[tuple[Any, ...], PairTable] = {}
    return table_of([_result(run, metric, workspace, tables) for run in runs], metric)


def table_of(results: Sequence[CellResult], metric: str = "roc_auc") -> SweepTable:
    """Cells as a table: q, and which verdicts stand, of those that have been compared so far."""
    about, cells = CATALOG[metric], list(results)
    at = [i for i, cell in enumerate(cells) if math.isfinite(cell.p)]
    if at:
        corrected = benjamini_hochberg(np.array([cells[i].p for i in at]))
        for i, q in zip(at, corrected, strict=True):
            sure = cells[i].verdict != "INCONCLUSIVE" and q <= RATE and cells[i].whole
            cells[i] = replace(cells[i], q=float(q), stands=bool(sure))
    better = about.higher_is_better
    return SweepTable(metric, about.name, better, tuple(cells), _caution(cells, len(at)))


def _result(
    run: Run, metric: str, workspace: Workspace | None, tables: dict[tuple[Any, ...], PairTable]
) -> CellResult:
    about, state = run.about, run.status().state
    blank = CellResult(run.id, run.title, state, dict(about.changed), twin=about.twin)
    if state != "finished":
        return blank
    try:
        key = (run.data, run.limit)
        if key not in tables:
            tables[key] = lab.split_of(run, "test", workspace)
        found = _evaluation(run, workspace).metrics[metric]
    except (LabError, OSError, KeyError):
        return blank
    done = replace(blank, value=found.value, low=found.low, high=found.high)
    twin = launched_twin(run)
    comparison = _against_twin(run, twin, tables[key], workspace) if twin else None
    if twin is None or comparison is None or metric not in comparison.differences:
        return done
    d = comparison.differences[metric]
    return replace(
        done,
        delta=d.delta,
        delta_low=d.low,
        delta_high=d.high,
        p=d.p,
        verdict=d.verdict,
        caveats=caveats(run, twin),
        whole=not (early(run) or early(twin)),
    )


def _evaluation(run: Run, workspace: Workspace | None) -> Evaluation:
    return lab.stored_evaluation(run) or lab.evaluate(run, workspace=workspace).evaluation


def _against_twin(
    run: Run, twin: Run, pairs: PairTable, workspace: Workspace | None
) -> Comparison | None:
    """The comparison with the twin, worked out once; None before the twin has answered."""
    with suppress(LabError, OSError):
        return against_twin(run, twin, pairs, workspace or Workspace.default())
    return None


def _caution(cells: Sequence[CellResult], compared: int) -> str:
    held = [cell for cell in cells if cell.caveats]
    told = ""
    if held:
        what = "1 cell has a caveat" if len(held) == 1 else f"{len(held)} cells have a caveat"
        told = f"{what}, as {held[0].title or held[0].run}: {' '.join(held[0].caveats)}"
    if short := sum(not cell.whole for cell in cells):
        told += f" A verdict is not valid when one side was ended early ({short})."
    if compared < 2:
        return told
    sides = sum(cell.verdict in ("BETTER", "WORSE") for cell in cells)
    stand = sum(cell.stands for cell in cells)
    many = (
        f"{compared} cells are compared with their twins. By chance alone about "
        f"{compared * RATE:.1f} of them would look significant; {sides} do, and {stand} of these "
        f"survive the correction for {compared} comparisons (Benjamini-Hochberg, {RATE:.0%}). The "
        "best cell of many looks better than it is: train it again with another seed."
    )
    return f"{many} {told}".rstrip()


def _repeated(cells: Sequence[Cell]) -> list[str]:
    seen: list[DistillConfig] = []
    for cell in cells:
        if cell.config in seen:
            values = ", ".join(f"{path}={value}" for path, value in cell.changed.items())
            return [f"{values}: two cells would train just the same"]
        seen.append(cell.config)
    return []
