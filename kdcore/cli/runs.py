"""`kdlab runs`: list, show, resume, stop, watch, delete, restore and path."""

from datetime import datetime
from typing import Annotated, Any

import typer
import yaml

from kdcore.cli.kit.answer import NOTHING, show, table
from kdcore.cli.kit.options import Json, Quiet, RunId
from kdcore.cli.kit.progress import Progress
from kdcore.cli.kit.running import require_finished, start_detached, tell_end
from kdcore.cli.stages import Detach
from kdcore.errors import UnknownNameError
from kdcore.evaluation.texts import age
from kdcore.runs.metric_lines import latest_numbers
from kdcore.runs.store import Run

app = typer.Typer(help="List, resume, stop, delete and restore runs.")


@app.command("list")
def list_runs(as_json: Json = False) -> None:
    """List every run, newest first."""
    from kdcore import lab
    from kdcore.cli.kit.summary import summary

    runs = lab.store()
    found = [summary(run) for run in runs.list()]
    rows = [
        {
            "run": about["run"],
            "stage": about["stage"] or NOTHING,
            "model": about["model"] or NOTHING,
            "data": about["data"] or NOTHING,
            "state": about["state"],
            "validation": about["validation_roc_auc"],
            "test ROC-AUC": about["test_roc_auc"],
            "age": age(about["created"]),
        }
        for about in found
    ]
    empty = f"There is no run yet in {runs.root}; `kdlab tutorial` makes the first three."
    shown = table(rows, right=("validation", "test ROC-AUC", "age")) if rows else empty
    show(as_json, {"runs": found}, shown)


@app.command("show")
def show_run(run: RunId, as_json: Json = False) -> None:
    """Show a run's status, settings and last numbers."""
    from kdcore import lab
    from kdcore.cli.kit.summary import summary

    found = lab.store().get(run)
    about, status, numbers = summary(found), found.status(), latest_numbers(found.folder)
    data = {
        **about,
        "folder": found.folder,
        "status": status.to_dict(),
        "config": found.settings,
        "last": numbers,
    }
    told = f": {status.message}" if status.message else ""
    lines = [
        f"{found.id} is {status.state}{told}",
        f"step {status.step:,} of {status.total_steps:,}" if status.total_steps else "",
        f"folder: {found.folder}",
    ]
    settings = yaml.safe_dump(found.settings, sort_keys=False).rstrip("\n")
    rows = [{"number": name, "last value": _shown(name, n)} for name, n in numbers.items()]
    parts: list[Any] = ["\n".join(filter(None, lines)), settings, *([table(rows)] if rows else [])]
    show(as_json, data, *parts)


def _shown(name: str, value: float) -> str:
    if name == "time":  # seconds since the epoch
        return datetime.fromtimestamp(value).astimezone().isoformat(timespec="seconds")
    return f"{value:.6g}"


@app.command()
def resume(run: RunId, detach: Detach = False, quiet: Quiet = False, as_json: Json = False) -> None:
    """Go on with a stopped, failed or lost run from its last checkpoint."""
    from kdcore import lab

    found = lab.store().get(run)
    if detach:
        lab.check_resumable(found)
        start_detached(found, as_json)
        return
    with Progress(quiet, as_json) as progress:
        progress.tell("resume", found)
        lab.resume(found)
    require_finished(found)
    tell_end(found, as_json)


@app.command()
def stop(run: RunId, as_json: Json = False) -> None:
    """Stop a run at its next step; its checkpoint is kept."""
    from kdcore import lab
    from kdcore.runs.queue import launch

    found = lab.store().get(run)
    before = found.status().state
    status = launch.stop(found)
    data = {"run": found.id, "before": before, "state": status.state, "message": status.message}
    told = f": {status.message}" if status.message else ""
    show(as_json, data, f"{found.id} is {status.state}{told}")


@app.command()
def watch(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="ids, beginnings or folders")],
    as_json: Json = False,
) -> None:
    """Follow runs that work or wait elsewhere until they end; Ctrl-C leaves them alone."""
    from kdcore import lab
    from kdcore.cli import watching

    found = [lab.store().get(run_id) for run_id in run]
    if len(found) > 1:
        watching.follow_all(found, as_json)
    else:
        watching.follow(found[0], as_json)


@app.command()
def delete(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="whole ids")],
    as_json: Json = False,
) -> None:
    """Put runs into the trash, where they stay for a week; the ids must be whole."""
    from kdcore import lab

    runs = lab.store()
    for run_id in run:
        found = runs.get(run_id)
        if found.id != run_id:
            raise UnknownNameError(
                f"{run_id!r} is not a whole id, and nothing was deleted; if you mean this run, "
                f"write `kdlab runs delete {found.id}`"
            )
    pupils = {run_id: _taught_by(run_id, runs.list()) for run_id in run}
    for run_id in run:
        runs.trash(run_id)
    told = [f"{i} is in the trash for a week; `kdlab runs restore {i}` takes it back" for i in run]
    told += [
        f"Note: {run_id} teaches {', '.join(names)}, which can neither be resumed nor be compared "
        "with it while it is gone."
        for run_id, names in pupils.items()
        if names
    ]
    show(as_json, {"deleted": run, "taught": pupils}, *told)


def _taught_by(run_id: str, runs: list[Run]) -> list[str]:
    """The runs whose teacher this one is."""
    return [run.id for run in runs if run.teacher == run_id]


@app.command()
def restore(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="whole ids")],
    as_json: Json = False,
) -> None:
    """Take deleted runs back out of the trash."""
    from kdcore import lab

    for run_id in run:
        lab.store().restore(run_id)
    show(as_json, {"restored": run}, *(f"{run_id} is back" for run_id in run))


@app.command()
def path(run: RunId, as_json: Json = False) -> None:
    """Print a run's folder."""
    from kdcore import lab

    found = lab.store().get(run)
    data: dict[str, Any] = {"run": found.id, "folder": found.folder}
    show(as_json, data, str(found.folder))
