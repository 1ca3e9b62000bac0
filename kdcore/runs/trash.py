"""Move a run to the trash and back: no process may work on it, and it leaves the queue."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from kdcore import trash
from kdcore.errors import DataError, RunError
from kdcore.runs.record import STOP, Record, derive, hold, words, writing


def to_trash(folder: Path) -> None:
    """Move a run's folder into the trash beside it; RunError while a process works on it."""
    _refuse_at_work(folder)
    lock = hold(folder, patience=1.0)
    try:  # it moves while it is locked: a resume waits for the lock, then finds the folder gone
        _refuse_at_work(folder)
        _no_longer_waits(folder)
        with writing(folder):
            (folder / STOP).unlink(missing_ok=True)
            trash.throw_away(folder)
    finally:
        lock.release()


def _refuse_at_work(folder: Path) -> None:
    if derive(folder).state == "running":
        raise RunError(
            f"run {folder.name} is running: stop it first with `kdlab runs stop {folder.name}`"
        )


def _no_longer_waits(folder: Path) -> None:
    """A run that waits for a device is stopped, or it would wait again once it is restored."""
    with suppress(RunError):  # a record that cannot be read waits for nothing
        record = Record.read(folder)
        if not record.is_over and record.pid is None:
            end = words("stopped before it started")
            replace(record, state="stopped", **end, ended=time.time()).write(folder)


def from_trash(root: Path, run_id: str) -> Path:
    """Move a run back among the others and return its folder."""
    with writing(root / run_id):
        try:
            return trash.take_back(root, run_id)
        except DataError as cause:
            raise RunError(str(cause)) from cause
