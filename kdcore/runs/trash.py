"""The trash of a run store: a deleted run can be taken back for a week.

It is the hidden folder .trash beside the runs, in which a run is called SECONDS-ID.
"""

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from kdcore.errors import RunError, UnknownNameError
from kdcore.runs.record import STOP, Record, derive, hold, writing

TRASH = ".trash"
KEPT_FOR = 7 * 24 * 3600.0  # seconds


@dataclass(frozen=True)
class Trashed:
    """A run in the trash; at: when it was thrown away, in seconds since the epoch."""

    id: str
    at: float
    folder: Path


def to_trash(folder: Path) -> None:
    """Move a run's folder into the trash beside it; RunError while somebody works on it."""
    if derive(folder).state == "running":
        raise RunError(
            f"run {folder.name} is running: stop it first with `kdlab runs stop {folder.name}`"
        )
    lock = hold(folder, patience=1.0)
    try:
        _no_longer_waits(folder)
        (folder / STOP).unlink(missing_ok=True)
    finally:
        lock.release()
    trash = folder.parent / TRASH
    with writing(folder):
        trash.mkdir(exist_ok=True)
        folder.rename(trash / f"{time.time():.3f}-{folder.name}")
    _empty(folder.parent)


def _no_longer_waits(folder: Path) -> None:
    """A run that waits for a device is stopped, or it would wait again once it is restored."""
    with suppress(RunError):  # a record that cannot be read waits for nothing
        record = Record.read(folder)
        if not record.is_over and record.pid is None:
            said = "stopped before it started"
            replace(record, state="stopped", message=said, ended=time.time()).write(folder)


def from_trash(root: Path, run_id: str) -> Path:
    """Move a run back among the others and return its folder."""
    found = next((one for one in in_trash(root) if one.id == run_id), None)
    if found is None:
        raise UnknownNameError(f"no run in the trash is called {run_id!r}; it holds one for a week")
    folder = root / run_id
    if folder.exists():
        raise RunError(f"a run called {run_id} is there already")
    with writing(folder):
        found.folder.rename(folder)
    return folder


def in_trash(root: Path) -> list[Trashed]:
    """What is in the trash, thrown away last first; what is a week old goes for good."""
    _empty(root)
    return sorted(_entries(root), key=lambda one: one.at, reverse=True)


def _entries(root: Path) -> list[Trashed]:
    found = []
    with suppress(OSError):
        for folder in (root / TRASH).iterdir():
            seconds, _, run_id = folder.name.partition("-")
            with suppress(ValueError):
                found.append(Trashed(run_id, float(seconds), folder))
    return found


def _empty(root: Path) -> None:
    for one in _entries(root):
        if one.at < time.time() - KEPT_FOR:
            shutil.rmtree(one.folder, ignore_errors=True)
