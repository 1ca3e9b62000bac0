"""The dispatcher: a detached process, one a workspace, that starts runs as devices come free.

All that it knows stands in files: a ticket for each run that waits or works, and the runs' own
records. So it can be killed at any moment; the runs go on, and the next one takes over. Beside
them it keeps one process ready that has imported all that a run needs (kdcore.cli.ready).
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
from kdcore.runs.queue import assignment, launch
from kdcore.runs.queue.entries import RUNNING, Ticket, drop, locked, tickets, waits, write
from kdcore.runs.queue.queue import LOG as SAID
from kdcore.runs.queue.queue import name_dispatcher, past
from kdcore.runs.record import LOG, Record, hold, is_alive
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
    ready = [sys.executable, "-m", "kdcore", "ready", str(workspace.root)]
    Dispatcher(workspace, ready=ready, idle=idle).serve()


class Dispatcher:
    """Gives devices to waiting runs; command and ready stand in for what is started else."""

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

    def serve(self) -> None:
        """Look again and again; the process that is ready leaves with this one."""
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
        """One look; a full disk or an unreadable folder is waited out, never died of."""
        try:
            self.look()
        except (LabError, OSError) as problem:
            _logger.warning("the queue waits: %s", problem)
            return False
        return True

    def _is_over(self) -> bool:
        """Whether there was nothing to do for long; said so before anybody can come in between."""
        if not self.workspace.root.is_dir():
            return True
        if time.monotonic() - self._busy_at < self.idle:
            return False
        with suppress(LabError, OSError), locked(self.workspace) as folder:
            if not tickets(folder) and not tickets(folder / RUNNING):
                name_dispatcher(folder, None)
                return True
        return False

    def look(self) -> None:
        """Sweep what has ended, start what can start, and keep a process ready."""
        behind, working = tickets(self.folder), tickets(self.folder / RUNNING)
        if behind or working:
            self._busy_at = time.monotonic()
            machine = machine_devices() if behind else []
            with locked(self.workspace):
                self._sweep()
                if behind:
                    self._start_what_can(machine)
        self._keep_ready()

    def _sweep(self) -> None:
        """Drop the tickets of runs that wait or work no longer; retry a run that never began."""
        behind = tickets(self.folder)
        for ticket in behind:
            if not waits(ticket, self.workspace):
                drop(self.folder, ticket)
        again = {ticket.run_id for ticket in behind}
        for ticket in tickets(self.folder / RUNNING):
            try:
                record = Record.read(self.workspace.runs / ticket.run_id)
            except RunError:
                drop(self.folder / RUNNING, ticket)
                continue
            if self._holds(record):
                continue
            if record.state == "queued" and ticket.run_id not in again:
                self._retry(ticket, record)
            else:
                drop(self.folder / RUNNING, ticket)

    def _holds(self, record: Record) -> bool:
        """Whether the process of a run still keeps its device."""
        if not is_alive(record.pid, record.process_start):
            return False
        return not record.is_over or time.time() - (record.ended or 0) < _LEAVING

    def _retry(self, ticket: Ticket, record: Record) -> None:
        """A process died before it began, or this one did between two lines: once more."""
        run = Run.load(self.workspace.runs / ticket.run_id)
        if not run.stop_kind:  # else who stopped it is about to write that down
            lock = hold(run.folder, patience=1.0)
            try:
                if Record.read(run.folder) != record:
                    return
                if ticket.tries + 1 < TRIES:
                    replace(record, pid=None, process_start=None, started=None).write(run.folder)
                    write(self.folder, replace(ticket, tries=ticket.tries + 1, given=()))
                else:
                    why = self._problems.pop(run.id, f"its process ended at once; see {LOG}")
                    said = f"could not be started: {why}"
                    replace(record, state="failed", message=said, ended=time.time()).write(
                        run.folder
                    )
            finally:
                lock.release()
        drop(self.folder / RUNNING, ticket)

    def _start_what_can(self, machine: Sequence[DeviceState]) -> None:
        behind = [t for t in tickets(self.folder) if waits(t, self.workspace)]
        working = tickets(self.folder / RUNNING)
        if not assignment.give(behind, machine, working):
            return  # and nobody need look who came past the queue
        working += past(self.workspace, machine)
        for ticket, given in assignment.give(behind, machine, working):
            # From here on it holds its devices, whatever happens before its process begins.
            write(self.folder / RUNNING, replace(ticket, given=given))
            drop(self.folder, ticket)
            try:
                self._start(ticket, given)
            except (LabError, OSError) as problem:
                self._problems[ticket.run_id] = str(problem)
                _logger.warning("%s: %s", ticket.run_id, problem)

    def _start(self, ticket: Ticket, given: Sequence[str]) -> None:
        run = Run.load(self.workspace.runs / ticket.run_id)
        around = environment(ticket.device, given)
        self._started = time.monotonic()
        ready = self._ready
        if ready is not None and ready.poll() is None and not ticket.tries:
            self._ready = None
            if self._code == code_stamp():
                launch.assign(run, ready, around)
                return
            _dismiss(ready)
        command = self._command(run) if self._command else None
        launch.start(run, command, around, only_queued=True)

    def _keep_ready(self) -> None:
        """Make a process ready when there is time for it: nothing works, or the work has begun."""
        now = time.monotonic()
        if self._ready is not None and self._ready.poll() is not None:
            self._ready = None
        if not self._ready_command or self._ready is not None:
            return
        if now - self._made_ready < _CALM or now - self._started < _CALM:
            return
        if len(tickets(self.folder / RUNNING)) >= cpu_slots() and not tickets(self.folder):
            return  # nobody waits for it, and it would take from the runs that work
        self._made_ready, self._code = now, code_stamp()
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / SAID).open("ab") as said:
            self._ready = subprocess.Popen(
                self._ready_command,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        launch.reap(self._ready)


def _dismiss(ready: subprocess.Popen[bytes] | None) -> None:
    """Let a process that waits for an order leave: its input ends."""
    if ready is not None and ready.stdin is not None:
        with suppress(OSError):
            ready.stdin.close()


def code_stamp() -> float:
    """When the engine was last changed: what a ready process has imported may be an older one."""
    return max(path.stat().st_mtime for path in Path(__file__).parents[2].rglob("*.py"))


def environment(wanted: str, given: Sequence[str]) -> dict[str, str]:
    """What makes a run's process find its devices, and leave the others alone.

    A run that takes any GPU sees only the one it was given: then nothing in it can touch another.
    One that names its GPU sees them all, in the order in which nvidia-smi counts them. Runs that
    share the CPU share its cores.
    """
    if given[0].startswith("cuda:"):
        order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        handles = {gpu.name: gpu.handle for gpu in gpus()}
        if wanted in ("auto", "cuda") and given[0] in handles:
            return order | {"CUDA_VISIBLE_DEVICES": handles[given[0]]}
        return order
    if cpu_slots() > 1 and "OMP_NUM_THREADS" not in os.environ:
        return {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // cpu_slots()))}
    return {}
