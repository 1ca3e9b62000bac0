"""`kdlab runs`: list, show, resume, stop, watch, delete, restore and path."""

from datetime import datetime
from typing import Annotated

import typer
import yaml

from kdcore import lab
from kdcore.cli import watching
from kdcore.cli.kit.answer import NOTHING, show, table
from kdcore.cli.kit.options import Json, Quiet, RunId
from kdcore.cli.kit.progress import Progress
from kdcore.cli.kit.running import print_end, start_detached
from kdcore.cli.kit.summary import summary
from kdcore.cli.stages import Detach
from kdcore.errors import UnknownNameError
from kdcore.evaluation.texts import age
from kdcore.runs.metric_lines import latest_numbers
from kdcore.runs.queue import processes

app = typer.Typer(help="List, resume, stop, delete and restore runs.")


@app.command("list")
def list_runs(as_json: Json = False) -> None:
    """List every run, newest first."""
    store = lab.store()
    runs = [summary(run) for run in store.list()]
    rows = [
        {
            "run": run["run"],
            "stage": run["stage"] or NOTHING,
            "model": run["model"] or NOTHING,
            "data": run["data"] or NOTHING,
            "state": run["state"],
            "validation": run["validation_roc_auc"],
            "test ROC-AUC": run["test_roc_auc"],
            "age": age(run["created"]),
        }
        for run in runs
    ]
    empty = f"There is no run yet in {store.root}; `kdlab tutorial` makes the first three."
    shown = table(rows, right=("validation", "test ROC-AUC", "age")) if rows else empty
    show(as_json, {"runs": runs}, shown)


@app.command("show")
def show_run(run: RunId, as_json: Json = False) -> None:
    """Show a run's status, settings and last numbers."""
    source = lab.store().get(run)
    status, numbers = source.status(), latest_numbers(source.folder)
    data = {
        **summary(source),
        "folder": source.folder,
        "status": status.to_dict(),
        "config": source.settings,
        "last": numbers,
        "notes": source.notes,
    }
    reason = f": {status.message}" if status.message else ""
    lines = [f"{source.id} is {status.state}{reason}"]
    if status.total_steps:
        lines.append(f"step {status.step:,} of {status.total_steps:,}")
    lines.append(f"folder: {source.folder}")
    lines += [f"Note: {note}." for note in source.notes]
    settings = yaml.safe_dump(source.settings, sort_keys=False).rstrip("\n")
    rows = [{"number": name, "last value": _shown(name, n)} for name, n in numbers.items()]
    show(as_json, data, "\n".join(lines), settings, *([table(rows)] if rows else []))


def _shown(name: str, value: float) -> str:
    if name == "time":  # seconds since the epoch
        return datetime.fromtimestamp(value).astimezone().isoformat(timespec="seconds")
    return f"{value:.6g}"


@app.command()
def resume(run: RunId, detach: Detach = False, quiet: Quiet = False, as_json: Json = False) -> None:
    """Go on with a stopped, failed or lost run from its last checkpoint."""
    source = lab.store().get(run)
    if detach:
        lab.check_resumable(source)
        start_detached(source, as_json)
        return
    with Progress(quiet, as_json) as progress:
        progress.tell("resume", source)
        lab.resume(source)
    print_end(source, as_json)


@app.command()
def stop(run: RunId, as_json: Json = False) -> None:
    """Stop a run at its next step; its checkpoint is kept."""
    source = lab.store().get(run)
    before = source.status().state
    status = processes.stop(source)
    data = {"run": source.id, "before": before, "state": status.state, "message": status.message}
    reason = f": {status.message}" if status.message else ""
    show(as_json, data, f"{source.id} is {status.state}{reason}")


@app.command()
def watch(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="ids, beginnings or folders")],
    as_json: Json = False,
) -> None:
    """Follow runs that work or wait elsewhere until they end; Ctrl-C leaves them alone."""
    runs = [lab.store().get(run_id) for run_id in run]
    if len(runs) > 1:
        watching.follow_all(runs, as_json)
    else:
        watching.follow(runs[0], as_json)


@app.command()
def delete(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="whole ids")],
    as_json: Json = False,
) -> None:
    """Put runs into the trash, where they stay for a week; the ids must be whole."""
    store = lab.store()
    for run_id in run:
        if (whole := store.get(run_id).id) != run_id:
            raise UnknownNameError(
                f"{run_id!r} is not a whole id, and nothing was deleted; if you mean this run, "
                f"write `kdlab runs delete {whole}`"
            )
    students = {run_id: [s.id for s in store.list() if run_id in s.teachers] for run_id in run}
    for run_id in run:
        store.trash(run_id)
    lines = [f"{i} is in the trash for a week; `kdlab runs restore {i}` takes it back" for i in run]
    lines += [
        f"Note: {run_id} teaches {', '.join(names)}, which can neither be resumed nor be compared "
        "with it while it is gone."
        for run_id, names in students.items()
        if names
    ]
    show(as_json, {"deleted": run, "taught": students}, *lines)


@app.command()
def restore(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="whole ids")],
    as_json: Json = False,
) -> None:
    """Take deleted runs back out of the trash."""
    for run_id in run:
        lab.store().restore(run_id)
    show(as_json, {"restored": run}, *(f"{run_id} is back" for run_id in run))


@app.command()
def path(run: RunId, as_json: Json = False) -> None:
    """Print a run's folder."""
    source = lab.store().get(run)
    show(as_json, {"run": source.id, "folder": source.folder}, str(source.folder))
