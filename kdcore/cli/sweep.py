"""`kdlab sweep`: a grid over settings, each cell beside its twin, and the table at its end."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
import yaml

from kdcore.cli.kit import settings as s
from kdcore.cli.kit.answer import cell as shown
from kdcore.cli.kit.answer import plain, show, span, table
from kdcore.cli.kit.progress import LOOK_EVERY, Progress
from kdcore.cli.stages import Detach, Student, Teacher, inherit
from kdcore.cli.watching import LIVE, is_forsaken, refuse_forsaken
from kdcore.config import DistillConfig, ModelConfig, to_dict
from kdcore.errors import ConfigError, LabError, RunError
from kdcore.runs.machine import refuse_too_many
from kdcore.runs.store import Run
from kdcore.workspace import Workspace
from kdcore.yaml_text import read_yaml

Grid = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="NAME=A,B,C",
        help="values of a setting, by an option's name or a knob's path; again for more settings, "
        "all with all; with ';' between values these may hold commas",
    ),
]
Title = Annotated[str, typer.Option("--title", help="what the sweep is called")]
Metric = Annotated[str, typer.Option("--metric", help="what the table tells, by its key")]
Twin = Annotated[
    bool, typer.Option("--twin/--no-twin", help="train each student without a teacher, too")
]
Group = Annotated[
    str, typer.Option("--show", metavar="GROUP", help="only print the table of an earlier sweep")
]

SHORT = {
    **{name: paths[0] for name, paths in (s.COMMON | s.TRAINING | s.DISTILLING).items()},
    "method": "method.name",
    "teacher": "teacher",
    "student": "student",
    "label_smoothing": "label_smoothing",
}


def sweep(
    context: typer.Context,
    teacher: Teacher = None,
    student: Student = None,
    grid: Grid = None,
    data: s.Data = None,
    limit: s.Limit = None,
    seed: s.Seed = None,
    device: s.Device = None,
    threads: s.Threads = None,
    method: s.MethodName = None,
    loss: s.SoftLoss = None,
    temperature: s.Temperature = None,
    soft_weight: s.SoftWeight = None,
    hard_weight: s.HardWeight = None,
    transfer: s.Transfer = None,
    label_smoothing: s.Smoothing = None,
    epochs: s.Epochs = None,
    batch_size: s.BatchSize = None,
    learning_rate: s.LearningRate = None,
    config: s.ConfigFile = None,
    sets: s.Sets = None,
    title: Title = "",
    twin: Twin = True,
    metric: Metric = "roc_auc",
    group: Group = "",
    detach: Detach = False,
    print_config: s.PrintConfig = False,
    quiet: s.Quiet = False,
    as_json: s.Json = False,
) -> None:
    """Train students on a grid of settings, each beside its twin, and compare them in a table.

    For example: kdlab sweep --teacher RUN --grid temperature=1,2,4 --grid limit=1000,4000
    """
    if group:
        from kdcore.experiments.sweep import sweep_runs

        _tell(sweep_runs(group, Workspace.default()), metric, as_json)
        return
    own = {name: (name,) for name in ("teacher", "student", "label_smoothing")}
    start = {"student": to_dict(ModelConfig.parse("twinbert_cos")), "method": {"name": "response"}}
    places = {**s.COMMON, **s.TRAINING, **own, **s.DISTILLING}
    settings = s.Settings.gather(DistillConfig, start, context, places)
    inherit(settings, "teacher")
    made = settings.build()
    if not s.printed(made, print_config, as_json):
        _carry_out(made, grid_of(grid or []), (title, metric, twin, detach, quiet, as_json))


def grid_of(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Paths and their values from `name=a,b,c`; ConfigError tells every problem at once."""
    found: dict[str, list[Any]] = {}
    problems = []
    for text in texts:
        name, sign, values = text.partition("=")
        path = SHORT.get(name.strip().replace("-", "_"), name.strip())
        if not sign or not path or not values.strip():
            problems.append(f"--grid {text}: write name=a,b,c")
        elif path in found:
            problems.append(f"--grid {text}: {path} has its values already")
        else:
            between = ";" if ";" in values else ","
            found[path] = [_value(part.strip()) for part in values.split(between) if part.strip()]
    if problems:
        raise ConfigError("This grid cannot be read:", problems)
    return found


def _value(text: str) -> Any:
    try:
        return read_yaml(text)
    except yaml.YAMLError:
        return text


def _carry_out(
    base: DistillConfig, grid: dict[str, list[Any]], how: tuple[str, str, bool, bool, bool, bool]
) -> None:
    from kdcore.experiments.sweep import Sweep, launch_sweep, new_runs

    title, metric, twin, detach, quiet, as_json = how
    asked, home = Sweep(base, grid, title), Workspace.default()
    for cell in asked.cells():  # before the first of them is made
        refuse_too_many(cell.config.device)
    if detach:
        made = launch_sweep(asked, home, twin=twin)
        group = made[0].student.about.group
        data = {"group": group, "runs": [run.id for run in new_runs(made)]}
        show(as_json, data, "\n".join(data["runs"]), _later(group))
        return
    with Progress(quiet, as_json) as progress:
        progress.tell("read data")
        made = launch_sweep(asked, home, twin=twin, start=False)
        runs = new_runs(made)
        try:
            for number, run in enumerate(runs, 1):
                progress.tell(f"{number}/{len(runs)} {run.title}", run)
                _train(run, home)
        finally:
            _bury(runs)
        lost = _wait([one.twin for one in made if one.twin])
        progress.tell("evaluate")
    _tell([one.student for one in made], metric, as_json)
    if lost:
        raise RunError(lost)
    if failed := [run.id for run in runs if run.status().state != "finished"]:
        raise RunError(f"{len(failed)} of {len(runs)} runs did not finish: {', '.join(failed)}")


def _train(run: Run, home: Workspace) -> None:
    """One cell that fails leaves the others their turn; one that was stopped ends the sweep."""
    from kdcore import lab

    try:
        lab.execute(run, home)
    except LabError:
        if run.status().state == "stopped":
            raise


def _bury(runs: Sequence[Run]) -> None:
    """Cells that never began, because the sweep ended before, wait no longer for anybody."""
    from kdcore.runs.queue import launch

    for run in runs:
        with suppress(LabError, OSError):
            if is_forsaken(run):
                launch.stop(run)


def _wait(twins: Sequence[Run]) -> str:
    """Until twins that somebody else began are at their end; which of them nobody will end."""
    from kdcore.runs.queue import queue

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


def _tell(runs: Sequence[Run], metric: str, as_json: bool) -> None:
    """The table of a sweep."""
    from kdcore.experiments.sweep import sweep_table

    found = sweep_table(runs, metric, Workspace.default())
    group = runs[0].about.group
    rows = [
        {
            **{path.rpartition(".")[2]: str(value) for path, value in one.changed.items()},
            "run": one.run,
            "state": one.state,
            f"{found.name} [95 %]": span(one.value, one.low, one.high),
            "less its twin's [95 %]": span(one.delta, one.delta_low, one.delta_high),
            "against its twin": one.verdict or shown(None),
            "q": shown(one.q),
        }
        for one in found.cells
    ]
    data = {"group": group, "title": runs[0].about.sweep, **plain(found)}
    notes = [note for note in (found.caution, _later(group)) if note]
    show(as_json, data, table(rows, right=("q",)), "\n".join(notes))
