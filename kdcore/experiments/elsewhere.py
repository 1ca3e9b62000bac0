"""Carry out runs on a Ray cluster, a task per run; the run's folder is the truth.

Those of a sweep, by the process that sweeps; and those of the queue, each by a process that takes
the place of the run's own on this machine: it is named in the record, and the worker ends with it.
"""

import os
import signal
import time
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from kdcore.config.executor import Place
from kdcore.errors import ConfigError, LabError, RunError
from kdcore.runs.queue.carried import carried
from kdcore.runs.queue.cluster import DEVICES, Seen
from kdcore.runs.record import Record, State, hold, resumable
from kdcore.runs.store import Run
from kdcore.scale.cluster import joined, machines_of, on_machine, on_ray
from kdcore.scale.local import Task
from kdcore.workspace import Workspace

_SIGN_EVERY = 5.0  # seconds between two signs of life of a run that waits inside the cluster
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
    outcomes = on_ray(
        tasks, place, shared=workspace.root, device=device, do=carry_out, is_over=is_over
    )
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
    from kdcore import lab  # torch counts its threads and its GPUs when it is imported

    run = Run.load(Path(task["folder"]))
    try:
        if run.status().state != "finished":  # a task may be repeated when its machine is lost
            lab.execute(run, Workspace(Path(task["home"])))
    except Exception as error:  # the run's record says it, too; the other tasks go on
        return str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
    return ""


def is_over(task: Task) -> bool:
    """Whether the record of a task's run says that the run has ended."""
    with suppress(LabError):
        return Record.read(Path(task["folder"])).is_over
    return False


def look(workspace: Workspace, address: str) -> Seen:
    """Ask a cluster for its machines, and write down for the queue what it has, or what is wrong.

    Every machine must see the workspace under the path that it has here.
    """
    seen = Seen(address)
    try:
        with joined(Place("ray", address=address)) as ray:
            machines = tuple(machines_of(ray, workspace.root.resolve()))
        seen = replace(seen, machines=machines)
    except LabError as problem:
        seen = replace(seen, problem=str(problem))
    seen = replace(seen, at=time.time())
    seen.write(workspace)
    return seen


def carry(run: Run, address: str, device: str, workspace: Workspace) -> None:
    """Let the machine that has a device of a cluster carry out a run, and wait for its end.

    A run whose worker dies goes on from its checkpoint in another. The run waits in the queue again
    when the cluster does not answer.
    """
    seen = Seen.read(workspace, address)
    try:
        with joined(Place("ray", address=address)) as ray:
            # as for any process of a run; after joining, because Ray sets a handler of its own
            signal.signal(signal.SIGTERM, lambda *_: run.request_stop())
            machine = seen.places[device]
            gpu = device.startswith("cuda")
            task: Task = {
                "folder": str(run.folder.resolve()),
                "home": str(workspace.root.resolve()),
            }
            task |= {"threads": "" if gpu else str(machine.threads), "gpu": gpu}
            signs = _Signs(run)
            error = on_machine(
                ray,
                task,
                machine,
                gpu=gpu,
                do=carry_out_queued,
                watch=signs.give,
                is_over=is_over,
            )
    except (LabError, KeyError) as problem:
        _give_back(run)
        why = str(problem) if isinstance(problem, LabError) else f"{device} is no longer there"
        Seen(address, problem=why, at=time.time()).write(workspace)
        raise RunError(f"{run.id} waits again: {why}") from problem
    _close(run, error, "failed")


def carry_out_queued(task: Task) -> str:
    """Carry out a run of the queue in a worker, which is repeated when its machine is lost."""
    if not task["gpu"]:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Ray would show all that the machine has
    if task["threads"]:
        os.environ["OMP_NUM_THREADS"] = task["threads"]
    if Record.read(Path(task["folder"])).is_over:
        return ""
    with carried():
        return carry_out(task)


class _Signs:
    """Signs of life of a run whose worker has not begun: the cluster may be busy with others."""

    def __init__(self, run: Run) -> None:
        self.run, self._next, self._over = run, time.monotonic() + _SIGN_EVERY, False

    def give(self) -> None:
        """Say that the run waits inside the cluster, now and then."""
        if self._over or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _SIGN_EVERY
        with suppress(LabError), hold(self.run.folder, patience=0):
            record = Record.read(self.run.folder)
            self._over = record.state != "queued"
            if not self._over:
                text = "the cluster starts it"
                replace(record, message=text, heartbeat=time.time()).write(self.run.folder)


def _give_back(run: Run) -> None:
    """Let a run that no worker has begun wait for its device again."""
    with suppress(LabError), hold(run.folder, patience=_PATIENCE):
        record = Record.read(run.folder)
        if record.state == "queued":
            record.queued_again().write(run.folder)


def _close(run: Run, reason: str, state: State = "stopped") -> None:
    """Record the end of a run if its worker could not record it."""
    with suppress(LabError), hold(run.folder, patience=_PATIENCE):
        record = Record.read(run.folder)
        if not record.is_over and not record.is_waiting:
            record.over(state, resumable(reason, run.id)).write(run.folder)
