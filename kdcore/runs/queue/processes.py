"""Start a run in a process of its own, which outlives the app, and stop it again."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

import psutil

from kdcore.errors import RunError
from kdcore.runs.record import (
    STOP,
    Record,
    Status,
    hold,
    is_alive,
    name_in_commands,
    resumable,
    writing,
)
from kdcore.runs.store import Run

GRACE = 10.0  # seconds between the request and the kill
_POLITE = 1.0  # seconds for the stop file alone, before SIGTERM
_LOOK_EVERY = 0.02
_LET_GO = 10.0  # seconds in which a cluster ends the worker of a process that was killed


def start(
    run: Run,
    command: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    only_queued: bool = False,
) -> int:
    """Start a run detached from this process and return its pid, which is recorded at once.

    It has a session of its own, no input, and prints into run.log. `command` stands in for
    `python -m kdcore run FOLDER`; environment: what is set beside our own. RunError when the run
    is being worked on already, or, with only_queued, when it waits no longer.
    """
    command = command or [sys.executable, "-m", "kdcore", "run", str(run.folder.resolve())]
    with _claimed(run, only_queued) as before:
        try:
            with run.log_path.open("ab") as log:
                process = spawn(command, log, environment)
        except OSError as cause:
            what = f"run {run.id} could not be started with {command[0]}"
            raise RunError(f"{what}: {cause}") from cause
        try:
            before.at_work("queued", process.pid, "starting").write(run.folder)
        except BaseException:
            process.kill()
            process.wait()
            raise
    reap(process)
    return process.pid


def hand_over(run: Run, ready: subprocess.Popen[bytes], environment: Mapping[str, str]) -> int:
    """Give a run to a process that waits for one (kdcore.cli.ready).

    Whichever process dies in between, the run is begun once or not at all: the process gets its
    order after its pid stands in the record, and leaves when its input ends without one.
    """
    order = {"folder": str(run.folder.resolve()), "environment": dict(environment)}
    assert ready.stdin is not None
    with _claimed(run, only_queued=True) as before:
        before.at_work("queued", ready.pid, "starting").write(run.folder)
        try:
            ready.stdin.write(json.dumps(order).encode() + b"\n")
            ready.stdin.close()
        except OSError as cause:
            before.write(run.folder)
            raise RunError(f"run {run.id}: the process that waited for it is gone") from cause
    return ready.pid


@contextmanager
def _claimed(run: Run, only_queued: bool) -> Iterator[Record]:
    """The record of a run on which no process works, while the folder's lock is held."""
    with hold(run.folder, patience=0):  # a child waits for it before it writes its own record
        before = Record.read(run.folder)
        if before.is_alive and not before.is_over:
            raise RunError(f"run {run.id} is running already, as process {before.pid}")
        if only_queued and not before.is_waiting:
            raise RunError(f"run {run.id} is {run.status().state} and waits no longer")
        with writing(run.folder):
            (run.folder / STOP).unlink(missing_ok=True)
        yield before


def spawn(
    command: Sequence[str],
    output: IO[bytes] | int = subprocess.DEVNULL,
    environment: Mapping[str, str] | None = None,
    *,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, which outlives this one.

    output: where it prints. environment: what is set beside our own.
    """
    return subprocess.Popen(
        list(command),
        stdin=stdin,
        stdout=output,
        stderr=output,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )


def reap(process: subprocess.Popen[bytes]) -> None:
    """Wait for a child's end in a thread, or it would stay a zombie while this process lives."""
    threading.Thread(target=process.wait, daemon=True).start()


def start_detached(*arguments: str) -> int:
    """Start `python -m kdcore ARGUMENTS` as a process that outlives this one; return its pid."""
    process = spawn([sys.executable, "-m", "kdcore", *arguments])
    reap(process)
    return process.pid


def stop(run: Run, grace: float = GRACE) -> Status:
    """End a run: by its stop file, then by SIGTERM, and after `grace` seconds by SIGKILL.

    Only the very process that was recorded is touched, never one that got its pid later. A run
    that has ended already, or is lost, stays as it is. Returns the status afterwards.
    """
    status = run.status()
    if status.state not in ("queued", "running"):
        return status
    record = Record.read(run.folder)
    if record.pid is None:
        after = _record_stop(run, record, "stopped before it started")
        if after.state != "running":
            return after
        record = Record.read(run.folder)  # it was started in this very moment
    run.request_stop()
    if record.pid == os.getpid():  # a run in this very process: ask, and never kill oneself
        return run.status()
    message = "stopped"
    if record.is_elsewhere:  # no signal reaches it; it looks for the stop file
        _await_end(run, grace)
        return run.status()
    if not _gone(record, min(_POLITE, grace / 2)):
        if Record.read(run.folder).is_over:  # its end is written; the process leaves by itself
            return run.status()
        _signal(record, "terminate")
        if not _gone(record, grace - min(_POLITE, grace / 2)):
            _signal(record, "kill")
            _gone(record, 5.0)
            message = f"killed, because it did not stop within {grace:g} s"
    return _record_stop(run, record, resumable(message, name_in_commands(run.folder)))


def _gone(record: Record, patience: float) -> bool:
    """Whether the recorded process has ended, at the latest after `patience` seconds."""
    until = time.monotonic() + patience
    while is_alive(record.pid, record.process_start):
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_EVERY)
    return True


def _await_end(run: Run, patience: float) -> None:
    """Wait until a run's end is written down, at most `patience` seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until and run.status().state in ("queued", "running"):
        time.sleep(_LOOK_EVERY)


def _signal(record: Record, how: str) -> None:
    """Signal the recorded process if it is still that one; a kill takes its workers along."""
    with suppress(psutil.Error):
        process = psutil.Process(record.pid)
        workers = process.children(recursive=True) if how == "kill" else []
        # Looked at after Process(), which keeps the start time and refuses a reused pid itself.
        if is_alive(record.pid, record.process_start):
            for one in (process, *workers):
                with suppress(psutil.Error):
                    getattr(one, how)()


def _record_stop(run: Run, seen: Record, message: str) -> Status:
    """Write "stopped" for a child that could not do it itself; its own end record wins."""
    with hold(run.folder, patience=_LET_GO):
        record = Record.read(run.folder)
        if record.is_over or record.pid != seen.pid or record.is_alive:
            return run.status()
        with writing(run.folder):
            (run.folder / STOP).unlink(missing_ok=True)
        record.over("stopped", message).write(run.folder)
    return run.status()
