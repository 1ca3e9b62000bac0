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
from kdcore.evaluation.comparison import Difference
from kdcore.experiments.changes import changed
from kdcore.experiments.launch import (
    Launched,
    enqueue,
    launch,
    new_group,
    whole_or_nothing,
)
from kdcore.experiments.titles import title_of
from kdcore.judging.caveats import caveats, early
from kdcore.judging.results import compare_twins
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.purpose import Purpose
from kdcore.runs.store import Run
from kdcore.runs.twins import Twins, launched_twin
from kdcore.workspace import Workspace

MOST_CELLS = 200
_PLAIN_WEIGHTS = (0, 1, "0", "1")  # of a term: it is in the title of the training, or not
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
        """Every cell, the last path changing fastest; ConfigError names every problem at once.

        More than 200 cells are refused, and so are two cells with one config.
        """
        count = math.prod(len(values) for values in self.grid.values())
        if problems := [f"{path}: give a value" for path, v in self.grid.items() if not v]:
            raise ConfigError("This sweep cannot be made:", problems)
        if count > MOST_CELLS:
            raise ConfigError(
                "This sweep is too large:",
                [f"it has {count:,} cells, {MOST_CELLS} are the most; leave out some values"],
            )
        cells: list[Cell] = []
        for values in product(*self.grid.values()):
            changes = dict(zip(self.grid, values, strict=True))
            try:
                cells.append(Cell(changes, changed(self.base, changes)))
            except ConfigError as error:
                problems += [p for p in error.problems if p not in problems]
        configs = [cell.config for cell in cells]
        duplicates = [cell for n, cell in enumerate(cells) if cell.config in configs[:n]]
        for cell in duplicates[:1]:
            values_in_words = ", ".join(f"{path}={v}" for path, v in cell.changed.items())
            problems.append(f"{values_in_words}: two cells would train just the same")
        if problems:
            raise ConfigError("This sweep cannot be made:", problems)
        return cells

    def configs(self) -> list[DistillConfig]:
        """The config of every cell."""
        return [cell.config for cell in self.cells()]


@dataclass(frozen=True)
class CellResult:
    """The result of a cell; nan and "" where it is not finished, or has no twin.

    delta: its value less its twin's, with its paired 95 % interval and p, as compare() gives them.
    q: p corrected for the number of cells; stands: whether the verdict holds by q too, never where
    one side was ended early. caveats: how the two differ besides the teacher.
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

    def with_difference(self, difference: Difference, student: Run, twin: Run) -> "CellResult":
        """The cell with its difference to its twin, and the caveats of that."""
        return replace(
            self,
            delta=difference.delta,
            delta_low=difference.low,
            delta_high=difference.high,
            p=difference.p,
            verdict=difference.verdict,
            caveats=caveats(student, twin),
            whole=not (early(student) or early(twin)),
        )


@dataclass(frozen=True)
class SweepTable:
    """The cells of a sweep in one metric, and a caution about how many were compared."""

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
    purpose: Purpose | None = None,
) -> list[Launched]:
    """Create a run for each cell, and queue them; cells with an equal twin share it.

    start: False leaves the queue alone. purpose: parent or preset, where the base came from one.
    """
    cells, twins = sweep.cells(), Twins(workspace)
    title = sweep.title or " × ".join(path.rpartition(".")[2] for path in sweep.grid) or "one cell"
    purpose = replace(purpose or Purpose(), group=new_group(), role="cell", sweep=title)
    launched: list[Launched] = []
    new: list[Run] = []
    with whole_or_nothing(new, twins):
        for cell in cells:
            one = launch(
                cell.config,
                workspace,
                twin=twin,
                purpose=replace(purpose, changed=cell.changed),
                title=_title_of(cell),
                start=False,
                twins=twins,
            )
            launched.append(one)
            new += new_runs([one])
        if start:
            enqueue(new, workspace)
    return launched


def new_runs(launched: Sequence[Launched]) -> list[Run]:
    """The runs that are to be trained, each once: every student, then its twin if it is new."""
    runs: list[Run] = []
    for one in launched:
        runs += [one.student, *([one.twin] if one.twin and not one.reused else [])]
    return runs


def _title_of(cell: Cell) -> str:
    """The training's own title, and the changes of the sweep that it does not show."""
    titled = {*_TITLED, *(["student.params.layers"] if cell.config.student.name == "bert" else ())}
    more = [
        f"{_in_words(path)} {value}"
        for path, value in cell.changed.items()
        if path not in titled and not (path.startswith("terms.") and value in _PLAIN_WEIGHTS)
    ]
    return ", ".join([title_of(cell.config), *more])


def _in_words(path: str) -> str:
    """The last part of a path; of a term also its name: internal weight."""
    parts = path.split(".")
    words = [parts[1], parts[-1]] if parts[0] == "terms" else parts[-1:]
    return " ".join(words).replace("_", " ")


def sweep_runs(group: str, workspace: Workspace) -> list[Run]:
    """The cells of a sweep in the order in which they were made; UnknownNameError without any."""
    runs = [run for run in lab.store(workspace).list() if run.purpose.role == "cell"]
    groups = {run.purpose.group: "" for run in runs}
    lookup(groups, group, "sweep")
    return sorted((r for r in runs if r.purpose.group == group), key=lambda r: (r.created, r.id))


def sweep_table(
    runs: Sequence[Run], metric: str = "roc_auc", workspace: Workspace | None = None
) -> SweepTable:
    """Every cell's value and its difference to its twin on the test pairs, in order.

    Of many comparisons some are significant by chance: q and `stands` are Benjamini-Hochberg's over
    all cells that have a twin.
    """
    lookup(CATALOG, metric, "metric")
    tables: dict[tuple[Any, ...], PairTable] = {}
    return table_of([_result(run, metric, workspace, tables) for run in runs], metric)


def table_of(results: Sequence[CellResult], metric: str = "roc_auc") -> SweepTable:
    """Cells as a table: q, and which verdicts stand, of those that have been compared so far."""
    definition, cells = CATALOG[metric], list(results)
    at = [i for i, cell in enumerate(cells) if math.isfinite(cell.p)]
    if at:
        corrected = benjamini_hochberg(np.array([cells[i].p for i in at]))
        for i, q in zip(at, corrected, strict=True):
            stands = cells[i].verdict != "INCONCLUSIVE" and q <= RATE and cells[i].whole
            cells[i] = replace(cells[i], q=float(q), stands=bool(stands))
    caution = _caution(cells, len(at))
    better = definition.higher_is_better
    return SweepTable(metric, definition.name, better, tuple(cells), caution)


def _result(
    run: Run, metric: str, workspace: Workspace | None, tables: dict[tuple[Any, ...], PairTable]
) -> CellResult:
    purpose, state = run.purpose, run.status().state
    result = CellResult(run.id, run.title, state, dict(purpose.changed), twin=purpose.twin)
    if state != "finished":
        return result
    try:
        key = (run.data, run.limit)
        if key not in tables:
            tables[key] = lab.split_of(run, "test", workspace)
        evaluation = lab.stored_evaluation(run) or lab.evaluate(run, workspace=workspace).evaluation
        measured = evaluation.metrics[metric]
    except (LabError, OSError, KeyError):
        return result
    result = replace(result, value=measured.value, low=measured.low, high=measured.high)
    twin = launched_twin(run)
    if twin is not None:
        with suppress(LabError, OSError):  # the twin has not answered these pairs yet
            home = workspace or Workspace.default()
            differences = compare_twins(run, twin, tables[key], home).differences
            if metric in differences:
                return result.with_difference(differences[metric], run, twin)
    return result


def _caution(cells: Sequence[CellResult], compared: int) -> str:
    doubtful = [cell for cell in cells if cell.caveats]
    text, count = "", len(doubtful)
    if doubtful:
        what = "1 cell has a caveat" if count == 1 else f"{count} cells have a caveat"
        first = doubtful[0]
        text = f"{what}, as {first.title or first.run}: {' '.join(first.caveats)}"
    if short := sum(not cell.whole for cell in cells):
        text += f" A verdict is not valid when one side was ended early ({short})."
    if compared < 2:
        return text
    significant = sum(cell.verdict in ("BETTER", "WORSE") for cell in cells)
    stand = sum(cell.stands for cell in cells)
    many = (
        f"{compared} cells are compared with their twins. By chance alone about "
        f"{compared * RATE:.1f} of them would look significant; {significant} do, and {stand} "
        f"of these survive the correction for {compared} comparisons (Benjamini-Hochberg, "
        f"{RATE:.0%}). The best cell of many looks better than it is: train it again "
        "with another seed."
    )
    return f"{many} {text}".rstrip()
