"""`kdlab sweep`: a grid over settings, each cell beside its twin, and the table at its end."""

import time
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from kdcore import lab
from kdcore.cli.kit.answer import cell, plain, show, span, table
from kdcore.cli.kit.options import Given, configured
from kdcore.cli.kit.progress import LOOK_EVERY, Progress
from kdcore.cli.stages import DISTILL, DISTILL_ORDER, Detach, distillation
from kdcore.cli.watching import LIVE, is_forsaken, refuse_forsaken
from kdcore.config.executor import Place
from kdcore.errors import ConfigError, LabError, RunError
from kdcore.experiments.elsewhere import carry_out_on, refuse_device
from kdcore.experiments.studies import STUDIES, TEACHER, study_entry
from kdcore.runs.machine import refuse_executor, refuse_too_many
from kdcore.runs.queue import processes, queue
from kdcore.runs.store import Run
from kdcore.scale.cluster import refuse_silent
from kdcore.workspace import Workspace
from kdcore.yaml_text import read_yaml

if TYPE_CHECKING:
    from kdcore.experiments.sweep import Sweep

Grid = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="NAME=A,B,C",
        help="values of a setting, by an option's name or a knob's path; again for more settings, "
        "all with all; with ';' between values these may hold commas",
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        "--preset",
        metavar="NAME",
        help=f"a grid with its settings: {', '.join(STUDIES)}; other options and --grid override "
        "it, and without --teacher the bundled teacher is used",
    ),
]
Title = Annotated[str, typer.Option("--title", help="what the sweep is called")]
Metric = Annotated[str, typer.Option("--metric", help="what the table tells, by its key")]
Twin = Annotated[
    bool, typer.Option("--twin/--no-twin", help="train each student without a teacher, too")
]
On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="PLACE",
        help="where the runs are trained: local (one after the other), ray, ray:N (workers on this "
        "machine) or ray:HOST:PORT (a cluster)",
    ),
]
Group = Annotated[
    str, typer.Option("--show", metavar="GROUP", help="only print the table of an earlier sweep")
]

PATHS = {name: setting.paths[0] for name, setting in DISTILL.items()}  # of an option's name


@configured(
    f"teacher student preset grid {DISTILL_ORDER} title twin metric group on detach",
    DISTILL,
)
def sweep(
    given: Given,
    preset: Preset = "",
    grid: Grid = None,
    title: Title = "",
    twin: Twin = True,
    metric: Metric = "roc_auc",
    group: Group = "",
    on: On = "local",
    detach: Detach = False,
) -> None:
    """Train students on a grid of settings, each beside its twin, and compare them in a table.

    For example: kdlab sweep --teacher RUN --grid temperature=1,2,4 --grid limit=1000,4000
    Or, students of 1 to 6 layers by three ways: kdlab sweep --preset figure2 --limit 2000
    """
    from kdcore.experiments.sweep import launch_sweep, new_runs, sweep_runs

    workspace = Workspace.default()
    if group:
        _print_table(sweep_runs(group, workspace), metric, given.as_json)
        return
    cells = _planned(given, preset, grid_of(grid or []), title)
    if given.printed(cells.base):
        return
    place = _place(on, detach)
    configs = cells.configs()  # before the first run is created
    if place:
        refuse_device([each.device for each in configs])
    for each in configs:
        refuse_too_many(each.device)
    if detach:
        launched = launch_sweep(cells, workspace, twin=twin)
        group = launched[0].student.purpose.group
        ids = [run.id for run in new_runs(launched)]
        show(given.as_json, {"group": group, "runs": ids}, "\n".join(ids), _later(group))
        return
    with Progress(given.quiet, given.as_json) as progress:
        progress.tell("read data")
        launched = launch_sweep(cells, workspace, twin=twin, start=False)
        runs = new_runs(launched)
        _train(runs, workspace, progress, place)
        lost = _wait([each.twin for each in launched if each.twin])
        progress.tell("evaluate")
    _print_table([each.student for each in launched], metric, given.as_json)
    if lost:
        raise RunError(lost)
    if failed := [run.id for run in runs if run.status().state != "finished"]:
        raise RunError(f"{len(failed)} of {len(runs)} runs did not finish: {', '.join(failed)}")


def _planned(given: Given, preset: str, grid: dict[str, list[Any]], title: str) -> "Sweep":
    """The sweep of the options, which win over what a preset brings."""
    from kdcore.experiments.sweep import Sweep

    if not preset:
        return Sweep(distillation(given), grid, title)
    study = study_entry(preset)
    teacher = given.values.get("teacher") or TEACHER
    start = {"teacher": teacher, **study.start(lab.store().get(teacher))}
    return Sweep(distillation(given, start), {**study.grid, **grid}, title or study.title)


def grid_of(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Paths and their values from `name=a,b,c`; ConfigError names every problem at once."""
    grid: dict[str, list[Any]] = {}
    problems = []
    for text in texts:
        name, sign, values = text.partition("=")
        path = PATHS.get(name.strip().replace("-", "_"), name.strip())
        if not sign or not path or not values.strip():
            problems.append(f"--grid {text}: write name=a,b,c")
        elif path in grid:
            problems.append(f"--grid {text}: {path} has its values already")
        else:
            between = ";" if ";" in values else ","
            grid[path] = [_value(part.strip()) for part in values.split(between) if part.strip()]
    if problems:
        raise ConfigError("This grid cannot be read:", problems)
    return grid


def _value(text: str) -> Any:
    try:
        return read_yaml(text)
    except yaml.YAMLError:
        return text


def _place(on: str, detach: bool) -> Place | None:
    """The cluster on which runs are trained; None for this process."""
    place = Place.parse(on)
    refuse_executor(place)
    problem = ""
    if place.engine == "local" and place.workers:
        problem = f"on: {on} trains nothing here; use ray:{place.workers}, or --detach for a queue"
    elif place.engine == "ray" and detach:
        problem = "on: a detached sweep waits in the queue of this machine; leave out --detach"
    if problem:
        raise ConfigError("This sweep cannot be carried out:", [problem])
    if place.address:
        refuse_silent(place.address)
    return place if place.engine == "ray" else None


def _train(
    runs: Sequence[Run], workspace: Workspace, progress: Progress, place: Place | None
) -> None:
    """Train runs, here one by one; a failed one does not end the sweep, a stopped one here does.

    Runs that never began because the sweep ended before are marked as stopped.
    """
    try:
        if place and runs:
            progress.tell(f"0/{len(runs)} runs on {place.engine}")
            with closing(carry_out_on(place, runs, workspace)) as ended:
                for number, run in enumerate(ended, 1):
                    progress.tell(f"{number}/{len(runs)} runs on {place.engine}: {run.title}")
            return
        for number, run in enumerate(runs, 1):
            progress.tell(f"{number}/{len(runs)} {run.title}", run)
            try:
                lab.execute(run, workspace)
            except LabError:
                if run.status().state == "stopped":
                    raise
    finally:
        for run in runs:
            with suppress(LabError, OSError):
                if is_forsaken(run):
                    processes.stop(run)


def _wait(twins: Sequence[Run]) -> str:
    """Wait for twins that other processes train; returns which of them will never end, as text."""
    lost = []
    for run in twins:
        while (state := run.status().state) in LIVE:
            if state == "queued":
                queue.ensure_dispatcher(Workspace(run.folder.absolute().parent.parent))
            try:
                refuse_forsaken(run)
            except RunError as forsaken:
                lost.append(str(forsaken))
                break
            time.sleep(LOOK_EVERY)
    return "\n".join(dict.fromkeys(lost))


def _later(group: str) -> str:
    return f"`kdlab sweep --show {group}` prints their table."


def _print_table(runs: Sequence[Run], metric: str, as_json: bool) -> None:
    from kdcore.experiments.sweep import sweep_table

    results = sweep_table(runs, metric, Workspace.default())
    group = runs[0].purpose.group
    rows = [
        {
            **{path.rpartition(".")[2]: str(value) for path, value in one.changed.items()},
            "run": one.run,
            "state": one.state,
            f"{results.name} [95 %]": span(one.value, one.low, one.high),
            "less its twin's [95 %]": span(one.delta, one.delta_low, one.delta_high),
            "against its twin": one.verdict or cell(None),
            "q": cell(one.q),
        }
        for one in results.cells
    ]
    data = {"group": group, "title": runs[0].purpose.sweep, **plain(results)}
    notes = [note for note in (results.caution, _later(group)) if note]
    show(as_json, data, table(rows, right=("q",)), "\n".join(notes))
