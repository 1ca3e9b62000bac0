"""Entries of the queue: small files by which runs wait for a device and hold it while they work.

An entry is queue/NUMBER-RUN.json while the run waits, and queue/running/NUMBER-RUN.json once it
has devices. A process moves entries only while it holds the queue's lock. An entry counts only
while its run's own record says that it waits, so a run that was stopped or deleted has left the
queue.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout

from kdcore.errors import RunError
from kdcore.runs.facts import RunFacts
from kdcore.runs.record import STATUS, Record
from kdcore.workspace import Workspace, write_json_atomic

RUNNING = "running"
_LOCK = ".lock"
_PATIENCE = 15.0  # seconds; the lock is held for the moment in which a run is started


@dataclass(frozen=True, kw_only=True)
class QueueEntry:
    """A run's place in the queue.

    device: the one that its config requests. at: when it came, in seconds since the epoch. tries:
    how often it was started and ended before it began. given: the devices that it holds. place: the
    address of the cluster that has them, "" for this machine.
    """

    run_id: str
    device: str
    at: float
    number: int
    tries: int = 0
    given: tuple[str, ...] = ()
    place: str = ""

    @property
    def name(self) -> str:
        """The name of its file; names sort in the order of arrival."""
        return f"{self.number:010d}-{self.run_id}.json"


@contextmanager
def locked(workspace: Workspace) -> Iterator[Path]:
    """The queue's folder, while no other process moves an entry in it."""
    folder = workspace.queue
    try:
        (folder / RUNNING).mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK, timeout=_PATIENCE)
        lock.acquire()
    except Timeout as cause:
        raise RunError(f"the queue in {folder} is in use by another process; try again") from cause
    except OSError as cause:
        raise RunError(f"the queue in {folder} cannot be used: {cause.strerror}") from cause
    try:
        yield folder
    finally:
        lock.release()


def read_entries(folder: Path) -> list[QueueEntry]:
    """Every readable entry of a folder, in order of arrival; none when there is no folder."""
    names: list[str] = []
    with suppress(OSError):
        names = sorted(p.name for p in folder.iterdir() if p.name[:1].isdigit())
    return [entry for name in names if (entry := _read(folder / name)) is not None]


def outside(workspace: Workspace) -> list[QueueEntry]:
    """Runs at work that did not come through the queue: commands, and scorings of the app.

    They hold a device too; which one is guessed (assignment.usual_devices).
    """
    queued = {entry.run_id for entry in read_entries(workspace.queue / RUNNING)}
    working = []
    with suppress(OSError):
        for entry in os.scandir(workspace.runs):
            if not entry.name.startswith(".") and entry.name not in queued:
                working.append(_at_work(Path(entry.path)))
    return [entry for entry in working if entry is not None]


def _at_work(folder: Path) -> QueueEntry | None:
    """The entry that a run would have which works outside the queue; None for any other folder."""
    with suppress(OSError, RunError, ValueError, AttributeError):
        if is_over(folder, (folder / STATUS).stat().st_mtime_ns):
            return None
        record = Record.read(folder)
        if record.is_alive and not record.is_over and not record.is_elsewhere:
            device = RunFacts.load(folder).device
            return QueueEntry(run_id=folder.name, device=device, at=record.started or 0.0, number=0)
    return None


@lru_cache(maxsize=4096)
def is_over(folder: Path, changed: int) -> bool:
    """Whether a run's record says that it has ended; changed: its time, which the cache needs."""
    return Record.read(folder).is_over


def write(folder: Path, entry: QueueEntry) -> None:
    """Write an entry into a folder, whole or not at all."""
    write_json_atomic(folder / entry.name, asdict(entry))


def drop(folder: Path, entry: QueueEntry) -> None:
    """Remove an entry."""
    (folder / entry.name).unlink(missing_ok=True)


def next_number(folder: Path) -> int:
    """One more than the highest number of an entry that waits or runs."""
    return 1 + max(
        (t.number for t in [*read_entries(folder), *read_entries(folder / RUNNING)]), default=0
    )


def waits(entry: QueueEntry, workspace: Workspace) -> bool:
    """Whether the run of an entry still exists and waits to be started."""
    try:
        return Record.read(workspace.runs / entry.run_id).is_waiting
    except RunError:
        return False


def _read(path: Path) -> QueueEntry | None:
    """An entry, or None when its file is gone or damaged; a damaged one blocks nothing."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        values = {f.name: content[f.name] for f in fields(QueueEntry) if f.name in content}
        entry = QueueEntry(**values | {"given": tuple(values.get("given", ()))})
        return entry if _is_sound(entry) and entry.name == path.name else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _is_sound(entry: QueueEntry) -> bool:
    """Whether every field has its type; JSON of a damaged file may hold anything."""
    return (
        isinstance(entry.run_id, str)
        and isinstance(entry.device, str)
        and isinstance(entry.place, str)
        and type(entry.number) is type(entry.tries) is int
        and isinstance(entry.at, int | float)
        and all(isinstance(name, str) for name in entry.given)
    )
