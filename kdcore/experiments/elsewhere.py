"""Carry out the runs of a sweep on a Ray cluster, a task per run; the run's folder is the truth."""

from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from kdcore import lab
from kdcore.config.executor import Place
from kdcore.errors import ConfigError, LabError
from kdcore.runs.record import Record, hold, resumable
from kdcore.runs.store import Run
from kdcore.scale.cluster import on_ray
from kdcore.scale.local import Task
from kdcore.workspace import Workspace

DEVICES = ("auto", "cpu", "cuda")  # of which a task may take one; others name what a machine has
_PATIENCE = 5.0  # seconds in which a worker that was ended lets go of its run


def refuse_device(devices: Sequence[str]) -> None:
    """ConfigError unless all runs ask for the same one of the devices that a cluster gives."""
    if problem := next((d for d in devices if d not in DEVICES or d != devices[0]), ""):
        reason = f"device: {problem} cannot be given; use one of {', '.join(DEVICES)} for all runs"
        raise ConfigError("This sweep cannot run on a cluster:", [reason])


def carry_out_on(
    place: Place, runs: Sequence[Run], workspace: Workspace
) -> Generator[Run, None, None]:
    """Carry out runs on a cluster and yield each when its task has ended, finished or not.

    All machines must see the workspace under one path. A run whose worker or machine dies goes on
    from its checkpoint in another worker. Runs that are at work when this ends are stopped.
    """
    home = str(workspace.root.resolve())
    tasks: list[Task] = [{"folder": str(run.folder.resolve()), "home": home} for run in runs]
    device = runs[0].device
    reason = "the sweep ended before"
    outcomes = on_ray(tasks, place, shared=workspace.root, device=device, do=carry_out)
    try:
        with closing(outcomes):
            for outcome in outcomes:
                run = runs[outcome.number]
                _close(run, outcome.error)
                yield run
    finally:
        for run in runs:
            _close(run, reason)


def carry_out(task: Task) -> str:
    """Carry out the run of a folder, in a worker; return "" or, in a sentence, why it failed."""
    run = Run.load(Path(task["folder"]))
    try:
        if run.status().state != "finished":  # a task may be repeated when its machine is lost
            lab.execute(run, Workspace(Path(task["home"])))
    except Exception as error:  # the run's record says it, too; the other tasks go on
        return str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
    return ""


def _close(run: Run, reason: str) -> None:
    """Record a run as stopped if its worker could not record its end."""
    with suppress(LabError), hold(run.folder, patience=_PATIENCE):
        record = Record.read(run.folder)
        if not record.is_over and not record.is_waiting:
            record.over("stopped", resumable(reason, run.id)).write(run.folder)
