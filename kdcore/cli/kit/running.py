"""Carrying a run out in this process, or letting it go on its own; what is said about its end."""

import faulthandler
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore.cli.kit.answer import cell, show
from kdcore.cli.kit.progress import Progress
from kdcore.errors import RunError
from kdcore.runs.record import address
from kdcore.runs.store import Run


def run(folder: Annotated[Path, typer.Argument(help="a run's folder")]) -> None:
    """Carry out the run in this folder; the app and --detach start runs with this."""
    from kdcore import lab

    faulthandler.enable(2)  # a crash in native code leaves its place in run.log
    found = Run.load(folder.absolute())
    if found.problem:
        raise RunError(f"{folder} is no run: {found.problem}")
    lab.execute(found)
    require_finished(found)


def measure(home: Annotated[Path, typer.Argument(help="a workspace")]) -> None:
    """Time a few steps of small models, for estimates before this workspace has a run."""
    from kdcore.experiments.estimate.timing import measure as timed
    from kdcore.workspace import Workspace

    timed(Workspace(home.absolute()))


def measure_runs(home: Annotated[Path, typer.Argument(help="a workspace")]) -> None:
    """Evaluate the runs that a page requested, one after another, in one process."""
    from kdcore.judging import measuring
    from kdcore.workspace import Workspace

    measuring.be_polite()
    measuring.serve(Workspace(home.absolute()))


def train(config: Any, detach: bool, quiet: bool, as_json: bool) -> None:
    """Create a run of this config, and carry it out here or detached."""
    from kdcore import lab

    with Progress(quiet, as_json) as progress:
        progress.tell("read data")
        pairs = lab.checked(config)  # what cannot be carried out should leave no failed run
        made = lab.create(config)
        if not detach:
            progress.tell(config.stage, made)
            lab.execute(made, pairs=pairs)
    if detach:
        start_detached(made, as_json)
        return
    require_finished(made)
    tell_end(made, as_json)


def start_detached(made: Run, as_json: bool) -> None:
    """Let the run go on without this process, and print its id at once.

    It waits in the queue of its workspace, so that no two runs share a GPU; one whose folder lies
    in no workspace has no queue and begins now. pid: of its process, once it has one.
    """
    from kdcore.runs.queue import launch, queue
    from kdcore.workspace import Workspace

    folder = made.folder.resolve()
    home = Workspace(folder.parent.parent)
    if home.runs.resolve() == folder.parent:
        queue.enqueue([made], home)
    else:
        launch.start(made)
    told = {"run": made.id, "state": "queued", "pid": made.status().pid, "folder": made.folder}
    show(as_json, told, made.id)


def require_finished(run: Run) -> None:
    """Nothing when the run came to its end; else RunError with what it wrote down."""
    status = run.status()
    if status.state != "finished":
        raise RunError(f"{run.id} is {status.state}: {status.message or 'it has no end record'}")


def tell_end(run: Run, as_json: bool) -> None:
    """What a finished run came to, and what to do next."""
    from kdcore.cli.kit.summary import summary

    about = summary(run)
    lines = {
        "model": about["model"],
        "data": about["data"],
        "validation": _validation(about),
        "took": f"{about['seconds']:.1f} s" if about["seconds"] else "",
        "folder": run.folder,
    }
    told = [f"{name}: {value}" for name, value in lines.items() if value]
    told += [f"Note: {note}." for note in run.notes]
    told.append(f"`kdlab evaluate {address(run.folder)}` measures it on the test split.")
    data = {**about, "folder": run.folder, "notes": run.notes}
    show(as_json, data, "\n".join([f"{run.id} is {about['state']}", *told]))


def _validation(about: Mapping[str, Any]) -> str:
    if about["validation_nll"] is None:
        return ""
    area, nll = cell(about["validation_roc_auc"]), cell(about["validation_nll"])
    return f"ROC-AUC {area}, NLL {nll}"
