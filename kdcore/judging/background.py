"""Measure runs in the background: requests are files, and one process per workspace serves them.

A page calls `request` and shows `progress`; it never waits for a bootstrap itself. Each file names
a run and, for a difference, another one. What cannot be measured is stored with its reason, so that
it is not tried again each time a page looks.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from kdcore.errors import LabError
from kdcore.runs.queue.processes import start_detached
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, write_json_atomic

_FOLDER, _FAILED = "measuring", "failed"
_LOCK = ".one"
_IDLE = 5.0  # seconds without a request, after which the process ends
_LOOK_EVERY = 0.2
_NICENESS = 10  # added to that of the process: runs that train go first


class Request(NamedTuple):
    """A run to measure, and another one for the difference to it; None for its test alone."""

    run: Run
    base: Run | None = None

    @property
    def name(self) -> str:
        """The name of its file, which no other request has."""
        folders = (str(each.folder) if each else "" for each in self)
        return hashlib.sha256("\n".join(folders).encode()).hexdigest()[:16]


class Progress(NamedTuple):
    """How many of the requested evaluations are queued or running, and the run evaluated now."""

    left: int
    run: Run | None


def request(requests: Sequence[Request], workspace: Workspace) -> None:
    """Request these measurements in the background; those that failed before are tried again."""
    folder = workspace.cache_folder(_FOLDER)
    for place, each in enumerate(requests):
        (folder / _FAILED / each.name).unlink(missing_ok=True)
        write_json_atomic(
            folder / f"{each.name}.json",
            {
                "run": str(each.run.folder),
                "base": str(each.base.folder) if each.base else "",
                "at": time.time() + place / 1e6,
            },
        )
    if requests:
        ensure_process(workspace)


def progress(requests: Sequence[Request], workspace: Workspace) -> Progress:
    """How many of these are left, and which run is evaluated now."""
    folder = workspace.cache_folder(_FOLDER)
    left = [each for each in requests if (folder / f"{each.name}.json").is_file()]
    first = min(left, key=lambda each: _requested_at(folder / f"{each.name}.json"), default=None)
    return Progress(len(left), first.run if first else None)


def failures(requests: Sequence[Request], workspace: Workspace) -> dict[str, str]:
    """Why some of these could not be measured, by their names."""
    folder = workspace.cache_folder(_FOLDER) / _FAILED
    reasons = {}
    for each in requests:
        with suppress(OSError):
            reasons[each.name] = (folder / each.name).read_text(encoding="utf-8")
    return reasons


def ensure_process(workspace: Workspace) -> None:
    """See that a process serves the requests; it ends by itself."""
    lock = FileLock(workspace.cache_folder(_FOLDER) / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return
    lock.release()
    start_detached("measure-runs", str(workspace.root.absolute()))


def serve(workspace: Workspace, idle: float = _IDLE) -> None:
    """Carry out requests, oldest first, until there has been none for `idle` seconds.

    Returns at once when another process does so already.
    """
    folder = workspace.cache_folder(_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return
    try:
        until = time.monotonic() + idle
        while True:
            waiting = sorted(folder.glob("*.json"), key=_requested_at)
            if waiting:
                _carry_out(waiting[0], workspace)
                until = time.monotonic() + idle
            elif time.monotonic() >= until:
                return
            else:
                time.sleep(_LOOK_EVERY)
    finally:
        lock.release()


def be_polite() -> None:
    """Let processes that train go before this one."""
    with suppress(OSError, AttributeError):
        os.nice(_NICENESS)


def _carry_out(path: Path, workspace: Workspace) -> None:
    from kdcore.judging.results import measure_missing

    try:
        content: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
        base = Run.load(Path(content["base"])) if content["base"] else None
        measure_missing(Run.load(Path(content["run"])), base, workspace)
    except Exception as cause:  # whatever it is: the other requests are served
        is_lab_error = isinstance(cause, LabError)
        failed = path.parent / _FAILED / path.stem
        failed.parent.mkdir(parents=True, exist_ok=True)
        failed.write_text(str(cause) if is_lab_error else repr(cause), encoding="utf-8")
    path.unlink(missing_ok=True)


def _requested_at(path: Path) -> float:
    """When a request was made; 0 for a damaged one, so that it fails first and is removed."""
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
