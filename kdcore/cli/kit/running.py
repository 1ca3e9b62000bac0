"""Carry out a run in this process or detached, and print what it came to."""

import faulthandler
from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore import lab
from kdcore.cli.kit.answer import cell, show, table
from kdcore.cli.kit.progress import Progress
from kdcore.cli.kit.summary import summary
from kdcore.errors import RunError
from kdcore.evaluation.tasks import DEFINITION, read_tasks, task_rows
from kdcore.judging import background
from kdcore.runs.queue import processes, queue
from kdcore.runs.record import name_in_commands
from kdcore.runs.store import Run
from kdcore.workspace import Workspace


def run(folder: Annotated[Path, typer.Argument(help="a run's folder")]) -> None:
    """Carry out the run in this folder; the app and --detach start runs with this."""
    faulthandler.enable(2)  # a crash in native code leaves its place in run.log
    run = Run.load(folder.absolute())
    if run.problem:
        raise RunError(f"{folder} is no run: {run.problem}")
    lab.execute(run)
    require_finished(run)


def time_models(home: Annotated[Path, typer.Argument(help="a workspace")]) -> None:
    """Time a few steps of small models, for estimates before this workspace has a run."""
    from kdcore.experiments.estimate.timing import time_small_models

    time_small_models(Workspace(home.absolute()))


def work() -> None:
    """Do the tasks that arrive on stdin, one per line, from a process that scores shards."""
    from kdcore.scale.tasks import work

    work()


def measure_runs(home: Annotated[Path, typer.Argument(help="a workspace")]) -> None:
    """Evaluate the runs that a page requested, one after another, in one process."""
    background.be_polite()
    background.serve(Workspace(home.absolute()))


def draw_maps(folder: Annotated[Path, typer.Argument(help="the folder of a job")]) -> None:
    """Draw the maps that a page requested."""
    from kdcore.projection.jobs import carry_out
    from kdcore.retrieval.embed import embed_texts

    background.be_polite()
    carry_out(folder, embed_texts)


def measure_retrieval(folder: Annotated[Path, typer.Argument(help="a job's folder")]) -> None:
    """Measure the retrieval that a page requested."""
    from kdcore.retrieval.measuring.jobs import carry_out
    from kdcore.retrieval.measuring.measure import embed, measure

    background.be_polite()
    carry_out(folder, measure, embed)


def train(config: Any, detach: bool, quiet: bool, as_json: bool) -> None:
    """Create a run of this config, and carry it out here or detached."""
    with Progress(quiet, as_json) as progress:
        progress.tell("read data")
        pairs = lab.checked(config)  # what cannot be carried out should leave no failed run
        run = lab.create(config)
        if not detach:
            progress.tell(config.stage, run)
            lab.execute(run, pairs=pairs)
    if detach:
        start_detached(run, as_json)
    else:
        print_end(run, as_json)


def start_detached(run: Run, as_json: bool) -> None:
    """Start the run without waiting for it, and print its id at once.

    It waits in the queue of its workspace, so that no two runs share a GPU; one whose folder lies
    in no workspace has no queue and begins now. pid: of its process, once it has one.
    """
    folder = run.folder.resolve()
    home = Workspace(folder.parent.parent)
    if home.runs.resolve() == folder.parent:
        queue.enqueue([run], home)
    else:
        processes.start(run)
    data = {"run": run.id, "state": "queued", "pid": run.status().pid, "folder": run.folder}
    show(as_json, data, run.id)


def require_finished(run: Run) -> None:
    """Raise RunError with what the run wrote down, unless it came to its end."""
    status = run.status()
    if status.state != "finished":
        raise RunError(f"{run.id} is {status.state}: {status.message or 'it has no end record'}")


def print_end(run: Run, as_json: bool) -> None:
    """Print what a finished run came to, and what to do next; RunError for one that is not."""
    require_finished(run)
    result = summary(run)
    validation = ""
    if result["validation_nll"] is not None:
        area, nll = cell(result["validation_roc_auc"]), cell(result["validation_nll"])
        validation = f"ROC-AUC {area}, NLL {nll}"
    name = name_in_commands(run.folder)
    next_step = f"`kdlab evaluate {name}` measures it on the test split."
    if not run.gives_grades:
        validation = _pretrained(result)
        next_step = (
            f"`kdlab finetune --set model.start_from={name}` trains a model that starts from it."
        )
    values = {
        "model": result["model"],
        "data": result["data"],
        "validation": validation,
        "took": f"{result['seconds']:.1f} s" if result["seconds"] else "",
        "folder": run.folder,
    }
    lines = [
        f"{run.id} is {result['state']}",
        *(f"{name}: {value}" for name, value in values.items() if value),
        *(f"Note: {note}." for note in run.notes),
        next_step,
    ]
    data = {**result, "folder": run.folder, "notes": run.notes}
    tasks = read_tasks(run.folder)
    if not tasks:
        show(as_json, data, "\n".join(lines))
        return
    rows = table(task_rows(tasks), right=("accuracy [95 %]",))
    show(as_json, {**data, "tasks": tasks}, rows, DEFINITION, "\n".join(lines))


def _pretrained(result: dict[str, Any]) -> str:
    """The shares that a pretraining gets right on the validation pairs."""
    words = f"{result['validation_words']:,.0f} hidden words"
    text = f"{result['validation_masked_accuracy']:.1%} of {words} right"
    next_ad = result["validation_next_ad_accuracy"]
    return text if next_ad is None else f"{text}, {next_ad:.1%} of the next ads"
