"""Move a run to the trash and back: no process may work on it, and it leaves the queue."""

from contextlib import suppress
from pathlib import Path

from kdcore import trash
from kdcore.errors import DataError, RunError
from kdcore.runs.record import STOP, Record, derive, hold, writing


def to_trash(folder: Path) -> None:
    """Move a run's folder into the trash beside it; RunError while a process works on it."""
    refuse_at_work(folder)
    # it moves while it is locked: a resume waits for the lock, then finds the folder gone
    with hold(folder, patience=1.0):
        refuse_at_work(folder)
        with suppress(RunError):  # a record that cannot be read waits for nothing
            record = Record.read(folder)
            if not record.is_over and record.pid is None:  # or it would wait once it is restored
                record.over("stopped", "stopped before it started").write(folder)
        with writing(folder):
            (folder / STOP).unlink(missing_ok=True)
            trash.throw_away(folder)


def refuse_at_work(folder: Path) -> None:
    """Raise RunError while a process works on a run."""
    if derive(folder).state == "running":
        raise RunError(
            f"run {folder.name} is running: stop it first with `kdlab runs stop {folder.name}`"
        )


def from_trash(root: Path, run_id: str) -> Path:
    """Move a run back among the others and return its folder."""
    with writing(root / run_id):
        try:
            return trash.take_back(root, run_id)
        except DataError as cause:
            raise RunError(str(cause)) from cause
