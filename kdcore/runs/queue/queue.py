"""The queue of a workspace: runs wait for a device, first come first served.

The queue is files (kdcore.runs.queue.entries), so it outlives every process. One dispatcher per
workspace, detached like the runs, starts what can be started (kdcore.runs.queue.dispatch); the app
and the commands call `ensure_dispatcher` now and then.
"""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from kdcore.errors import RunError
from kdcore.runs.machine import DeviceState, machine_devices
from kdcore.runs.queue import assignment, cluster
from kdcore.runs.queue.entries import (
    RUNNING,
    QueueEntry,
    drop,
    locked,
    next_number,
    outside,
    read_entries,
    waits,
    write,
)
from kdcore.runs.queue.processes import reap, spawn
from kdcore.runs.record import Record, hold, is_alive, process_start
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, write_json_atomic

__all__ = ["DeviceState", "QueueEntry", "devices", "enqueue", "ensure_dispatcher", "prepare"]
__all__ += ["holds", "leave", "place_of", "position", "waiting"]

LOG = "dispatcher.log"
PREPARE = "prepare.json"
_LOG_LIMIT = 1_000_000  # bytes
_DISPATCHER = "dispatcher.json"
_RESUMABLE = ("queued", "stopped", "failed", "lost")


def enqueue(runs: Sequence[Run], workspace: Workspace) -> None:
    """Let runs wait for their devices, in this order, and see that a dispatcher starts them.

    New runs, and stopped, failed or lost ones, which go on from their checkpoints. One that waits
    already keeps its place. The devices are those of this machine, or of the cluster at
    KDLAB_RAY_ADDRESS. LabError, and nothing is changed, when one of them cannot wait.
    """
    place = cluster.address()
    if place:
        cluster.refuse_unusable(place, [run.device for run in runs])
    with locked(workspace) as folder:
        queued = {entry.run_id for entry in read_entries(folder) if waits(entry, workspace)}
        new = [run for run in runs if run.id not in queued]
        for run in new:
            _check(run, workspace)
        for number, run in enumerate(new, next_number(folder)):
            _wait_again(run)
            entry = QueueEntry(
                run_id=run.id, device=run.device, at=time.time(), number=number, place=place
            )
            for old in read_entries(folder):  # of an earlier wait, which ended without a start
                if old.run_id == run.id:
                    drop(folder, old)
            write(folder, entry)
    ensure_dispatcher(workspace)


def _check(run: Run, workspace: Workspace) -> None:
    state = run.status().state
    if state not in _RESUMABLE:
        raise RunError(f"{run.id} is {state}; only a new, stopped, failed or lost run can wait")
    if run.folder.resolve().parent != workspace.runs.resolve():
        raise RunError(f"{run.id} lies outside {workspace.runs}, whose queue this is")


def _wait_again(run: Run) -> None:
    """Say in the run's record that it waits; what it has done so far stays."""
    with hold(run.folder, patience=2.0):
        record = Record.read(run.folder)
        if not record.is_waiting:
            record.queued_again().write(run.folder)


def waiting(workspace: Workspace) -> list[QueueEntry]:
    """The runs that wait for a device, in order."""
    return [entry for entry in read_entries(workspace.queue) if waits(entry, workspace)]


def position(run: Run, workspace: Workspace) -> int | None:
    """1 for the next run on any device that this one could take; None when it does not wait."""
    return assignment.position(run.id, waiting(workspace), _all_devices(workspace))


def holds(run: Run, workspace: Workspace) -> bool:
    """Whether a run waits here, or was given its devices: also before its process says so."""
    with locked(workspace) as folder:
        entries = read_entries(folder) + read_entries(folder / RUNNING)
    return any(entry.run_id == run.id for entry in entries)


def place_of(run: Run, workspace: Workspace) -> str:
    """The address of the cluster whose device a run holds; "" for one of this machine."""
    entries = read_entries(workspace.queue / RUNNING)
    return next((entry.place for entry in entries if entry.run_id == run.id), "")


def _all_devices(workspace: Workspace) -> list[DeviceState]:
    """The devices of this machine and of every cluster for which runs wait or work.

    Those of this machine are left out where runs go to a cluster and none is here.
    """
    entries = read_entries(workspace.queue) + read_entries(workspace.queue / RUNNING)
    places = {cluster.address(), *(entry.place for entry in entries)}
    here = machine_devices() if "" in places else []
    there = (cluster.Seen.read(workspace, place).devices for place in sorted(places - {""}))
    return [*here, *(device for each in there for device in each)]


def devices(workspace: Workspace) -> list[DeviceState]:
    """The devices that runs can be given, the runs on each, and how many runs wait for it."""
    machine, queued = _all_devices(workspace), waiting(workspace)
    started = read_entries(workspace.queue / RUNNING)
    working = [entry for entry in started if _works(entry, workspace)]
    working += outside_with_devices(workspace, machine)
    return [
        replace(
            device,
            running=tuple(t.run_id for t in working if device.name in t.given),
            waiting=sum(
                device.name in assignment.suitable(t.device, machine, t.place)
                for t in queued
                if t.place == device.place
            ),
        )
        for device in machine
    ]


def outside_with_devices(workspace: Workspace, machine: Sequence[DeviceState]) -> list[QueueEntry]:
    """Running runs that were started outside the queue, with the devices that they use."""
    return [
        replace(t, given=assignment.usual_devices(t.device, machine)) for t in outside(workspace)
    ]


def _works(entry: QueueEntry, workspace: Workspace) -> bool:
    with suppress(RunError):
        record = Record.read(workspace.runs / entry.run_id)
        return not record.is_over and record.is_alive
    return False


def leave(run: Run, workspace: Workspace) -> None:
    """Remove a run's entry; the caller writes the run's record."""
    with locked(workspace) as folder:
        for entry in read_entries(folder):
            if entry.run_id == run.id:
                drop(folder, entry)


def ensure_dispatcher(workspace: Workspace) -> None:
    """Start the workspace's dispatcher unless one lives; cheap when it does."""
    if dispatcher(workspace) is not None:
        return
    with locked(workspace) as folder:
        if dispatcher(workspace) is not None:
            return
        log = folder / LOG
        try:
            is_full = log.exists() and log.stat().st_size > _LOG_LIMIT
            with log.open("wb" if is_full else "ab") as output:
                process = spawn(dispatcher_command(workspace), output)
            name_dispatcher(folder, process.pid)
        except OSError as cause:
            raise RunError(f"the queue's dispatcher could not be started: {cause}") from cause
    reap(process)


def prepare(config: Mapping[str, Any], workspace: Workspace) -> None:
    """Announce the config likely to start next, so that its teacher can score ahead of time."""
    path = workspace.queue / PREPARE
    with suppress(OSError):  # without it the run only starts later
        write_json_atomic(path, config)


def dispatcher_command(workspace: Workspace) -> list[str]:
    """The command that starts a dispatcher of a workspace."""
    return [sys.executable, "-m", "kdcore", "dispatch", os.path.abspath(workspace.root)]


def dispatcher(workspace: Workspace) -> int | None:
    """The pid of the dispatcher that lives; None when there is none."""
    try:
        content = json.loads((workspace.queue / _DISPATCHER).read_text(encoding="utf-8"))
        pid, started = int(content["pid"]), float(content["process_start"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if is_alive(pid, started) else None


def name_dispatcher(folder: Path, pid: int | None) -> None:
    """Write down the pid of the dispatcher; None when it leaves."""
    path = folder / _DISPATCHER
    if pid is None:
        path.unlink(missing_ok=True)
    else:
        write_json_atomic(path, {"pid": pid, "process_start": process_start(pid)})
