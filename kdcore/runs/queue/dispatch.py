"""The dispatcher: one detached process per workspace that starts runs as devices become free.

Its whole state is in files: an entry for each run that waits or works, and the runs' own records.
So it can be killed at any moment: the runs go on, and the next dispatcher takes over. It also keeps
one process ready that has imported all that a run needs (kdcore.cli.ready). A run that a cluster
carries out has a process here as well, which only waits for its end; the rules are the same.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from kdcore.errors import LabError, RunError
from kdcore.runs.machine import DeviceState, cpu_slots, gpus, machine_devices
from kdcore.runs.queue import assignment, cluster, processes
from kdcore.runs.queue.entries import RUNNING, QueueEntry, drop, locked, read_entries, waits, write
from kdcore.runs.queue.queue import LOG as DISPATCHER_LOG
from kdcore.runs.queue.queue import name_dispatcher, outside_with_devices
from kdcore.runs.record import LOG, Record, hold
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

IDLE = 600.0  # seconds without a run, after which it ends
LOOK_EVERY = 0.1
TRIES = 2  # starts of a run that ends before it begins
_LEAVING = 10.0  # seconds that a process may take to close down and hold its device
_CALM = 10.0  # seconds after a start in which no other process is made ready beside it
_ONE = ".dispatcher"
_PATIENCE = 3.0

_logger = logging.getLogger("kdcore")
Command = Callable[[Run], Sequence[str]]


def serve(workspace: Workspace, idle: float = IDLE) -> None:
    """Look after a workspace's queue until there has been nothing to do for `idle` seconds.

    Returns at once when another process does so already.
    """
    # nobody would take it where runs go to a cluster
    here = not cluster.address()
    ready = [sys.executable, "-m", "kdcore", "ready", str(workspace.root)] if here else []
    Dispatcher(workspace, ready=ready, idle=idle).serve()


class Dispatcher:
    """Gives devices to waiting runs. command, ready: replace the usual child processes (tests)."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        command: Command | None = None,
        ready: Sequence[str] = (),
        idle: float = IDLE,
    ) -> None:
        self.workspace, self.folder, self.idle = workspace, workspace.queue, idle
        self._command, self._ready_command = command, list(ready)
        self._ready: subprocess.Popen[bytes] | None = None
        self._made_ready = self._started = -1e9
        self._code = 0.0  # how new the code was that the ready process imported
        self._busy_at = time.monotonic()
        self._problems: dict[str, str] = {}
        self._lookout = cluster.Lookout(workspace, self.folder / DISPATCHER_LOG)

    def serve(self) -> None:
        """Look again and again; at the end the ready process is dismissed."""
        with locked(self.workspace) as folder:
            one = FileLock(folder / _ONE, timeout=_PATIENCE)
        try:
            one.acquire()
        except Timeout:
            return
        try:
            with locked(self.workspace) as folder:
                name_dispatcher(folder, os.getpid())
            while not self._is_over():
                pause = LOOK_EVERY if self._look_safely() else 1.0
                time.sleep(pause)
        finally:
            one.release()
            _dismiss(self._ready)

    def _look_safely(self) -> bool:
        """One look; it waits when the disk is full or a folder cannot be read."""
        try:
            self.look()
        except (LabError, OSError) as problem:
            _logger.warning("the queue waits: %s", problem)
            return False
        return True

    def _is_over(self) -> bool:
        """Whether it was idle for too long; written down before another run can be queued."""
        if not self.workspace.root.is_dir():
            return True
        if time.monotonic() - self._busy_at < self.idle:
            return False
        with suppress(LabError, OSError), locked(self.workspace) as folder:
            if not read_entries(folder) and not read_entries(folder / RUNNING):
                name_dispatcher(folder, None)
                return True
        return False

    def look(self) -> None:
        """Sweep what has ended, start what can start, and keep a process ready."""
        waiting, working = read_entries(self.folder), read_entries(self.folder / RUNNING)
        if waiting or working:
            self._busy_at = time.monotonic()
            machine = self._devices({entry.place for entry in waiting})
            with locked(self.workspace):
                self._sweep()
                if waiting:
                    self._start_what_can(machine)
        self._keep_ready()

    def _devices(self, places: set[str]) -> list[DeviceState]:
        """The devices of this machine and of the clusters at some addresses."""
        here = machine_devices() if "" in places else []
        there = (self._lookout.devices(place) for place in sorted(places - {""}))
        return [*here, *(device for each in there for device in each)]

    def _sweep(self) -> None:
        """Drop entries of runs that neither wait nor work; retry a run that never began."""
        waiting = read_entries(self.folder)
        for entry in waiting:
            if not waits(entry, self.workspace):
                drop(self.folder, entry)
        again = {entry.run_id for entry in waiting}
        for entry in read_entries(self.folder / RUNNING):
            try:
                record = Record.read(self.workspace.runs / entry.run_id)
            except RunError:
                drop(self.folder / RUNNING, entry)
                continue
            if self._holds(record):
                continue
            if record.state == "queued" and entry.run_id not in again:
                self._retry(entry, record)
            else:
                drop(self.folder / RUNNING, entry)

    def _holds(self, record: Record) -> bool:
        """Whether the process of a run still holds its device."""
        if not record.is_alive:
            return False
        return not record.is_over or time.time() - (record.ended or 0) < _LEAVING

    def _retry(self, entry: QueueEntry, record: Record) -> None:
        """Start a run once more whose process, or whose dispatcher, died before it began."""
        run = Run.load(self.workspace.runs / entry.run_id)
        if not run.stop_kind:  # else the process that stopped it is about to write that down
            with hold(run.folder, patience=1.0):
                if Record.read(run.folder) != record:
                    return
                # it was given back: the cluster no longer answered, which is no fault of the run
                is_back = entry.place and record.is_waiting and run.id not in self._problems
                tries = entry.tries + (not is_back)
                if tries < TRIES:
                    replace(record, pid=None, process_start=None, started=None).write(run.folder)
                    write(self.folder, replace(entry, tries=tries, given=()))
                else:
                    why = self._problems.pop(run.id, f"its process ended at once; see {LOG}")
                    record.over("failed", f"could not be started: {why}").write(run.folder)
        drop(self.folder / RUNNING, entry)

    def _start_what_can(self, machine: Sequence[DeviceState]) -> None:
        waiting = [t for t in read_entries(self.folder) if waits(t, self.workspace)]
        working = read_entries(self.folder / RUNNING)
        if not assignment.give(waiting, machine, working):
            return  # then runs outside the queue need not be counted
        working += outside_with_devices(self.workspace, machine)
        for entry, given in assignment.give(waiting, machine, working):
            # from here on it holds its devices, whatever happens before its process begins
            write(self.folder / RUNNING, replace(entry, given=given))
            drop(self.folder, entry)
            try:
                self._start(entry, given)
            except (LabError, OSError) as problem:
                self._problems[entry.run_id] = str(problem)
                _logger.warning("%s: %s", entry.run_id, problem)

    def _start(self, entry: QueueEntry, given: Sequence[str]) -> None:
        run = Run.load(self.workspace.runs / entry.run_id)
        self._started = time.monotonic()
        if entry.place:
            carried = cluster.carry_command(run.folder, entry.place, given[0])
            processes.start(run, self._command(run) if self._command else carried, only_queued=True)
            return
        variables = environment(entry.device, given)
        ready = self._ready
        if ready is not None and ready.poll() is None and not entry.tries:
            self._ready = None
            if self._code == code_stamp():
                processes.hand_over(run, ready, variables)
                return
            _dismiss(ready)
        command = self._command(run) if self._command else None
        processes.start(run, command, variables, only_queued=True)

    def _keep_ready(self) -> None:
        """Start a ready process when the machine has time: when nothing runs or just starts."""
        now = time.monotonic()
        if self._ready is not None and self._ready.poll() is not None:
            self._ready = None
        if not self._ready_command or self._ready is not None:
            return
        if now - self._made_ready < _CALM or now - self._started < _CALM:
            return
        if len(read_entries(self.folder / RUNNING)) >= cpu_slots() and not read_entries(
            self.folder
        ):
            return  # no run waits for it, and it would slow the runs at work
        self._made_ready, self._code = now, code_stamp()
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / DISPATCHER_LOG).open("ab") as output:
            self._ready = processes.spawn(self._ready_command, output, stdin=subprocess.PIPE)
        processes.reap(self._ready)


def _dismiss(ready: subprocess.Popen[bytes] | None) -> None:
    """Let a process that waits for an order leave: its input ends."""
    if ready is not None and ready.stdin is not None:
        with suppress(OSError):
            ready.stdin.close()


def code_stamp() -> float:
    """When the engine was last changed: what a ready process has imported may be an older one."""
    return max(path.stat().st_mtime for path in Path(__file__).parents[2].rglob("*.py"))


def environment(requested: str, given: Sequence[str]) -> dict[str, str]:
    """What makes a run's process find its devices, and leave the others alone.

    A run that takes any GPU sees only the one it was given: then nothing in it can touch another.
    One that names its GPU sees them all, in the order in which nvidia-smi counts them. Runs that
    share the CPU share its cores.
    """
    if given[0].startswith("cuda:"):
        order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        handles = {gpu.name: gpu.handle for gpu in gpus()}
        if requested in ("auto", "cuda") and given[0] in handles:
            return order | {"CUDA_VISIBLE_DEVICES": handles[given[0]]}
        return order
    if cpu_slots() > 1 and "OMP_NUM_THREADS" not in os.environ:
        return {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // cpu_slots()))}
    return {}
