"""Tickets: the small files by which runs wait for a device, and hold one while they compute.

A ticket is queue/NUMBER-RUN.json while the run waits, and queue/running/NUMBER-RUN.json once it
was given devices. Whoever moves tickets holds the queue's lock. A ticket counts only while its
run's own record says that it waits, so a run that was stopped or deleted has left the queue.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from filelock import FileLock, Timeout

from kdcore.errors import RunError
from kdcore.runs.record import STATUS, Record, is_alive
from kdcore.workspace import Workspace, write_json_atomic

RUNNING = "running"
_LOCK = ".lock"
_PATIENCE = 15.0  # seconds; the lock is held for the moment in which a run is started


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A run's place in the queue.

    device: what its config asks for. at: when it came, in seconds since the epoch. tries: how
    often it was started and ended before it began. given: the devices it holds, once it has some.
    """

    run_id: str
    device: str
    at: float
    number: int
    tries: int = 0
    given: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of its file; names sort as the tickets were drawn."""
        return f"{self.number:010d}-{self.run_id}.json"


@contextmanager
def locked(workspace: Workspace) -> Iterator[Path]:
    """The queue's folder, while nobody else moves a ticket in it."""
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


def tickets(folder: Path) -> list[Ticket]:
    """Every ticket of a folder that can be read, first come first; none when there is no folder."""
    names: list[str] = []
    with suppress(OSError):
        names = sorted(p.name for p in folder.iterdir() if p.name[:1].isdigit())
    return [ticket for name in names if (ticket := _read(folder / name)) is not None]


def outside(workspace: Workspace) -> list[Ticket]:
    """The runs at work that came past the queue: by a command, or the app's scorings.

    They hold a device all the same; which one is not given but guessed (assignment.held).
    """
    given = {ticket.run_id for ticket in tickets(workspace.queue / RUNNING)}
    found = []
    with suppress(OSError):
        for entry in os.scandir(workspace.runs):
            if not entry.name.startswith(".") and entry.name not in given:
                found.append(_at_work(Path(entry.path)))
    return [ticket for ticket in found if ticket is not None]


_over: dict[Path, int] = {}  # when the records changed last that said that a run is over


def _at_work(folder: Path) -> Ticket | None:
    with suppress(OSError, RunError, ValueError, AttributeError):
        changed = (folder / STATUS).stat().st_mtime_ns
        if _over.get(folder) == changed:
            return None
        record = Record.read(folder)
        if record.is_over:
            _over[folder] = changed
        elif is_alive(record.pid, record.process_start):
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            wanted = str(config.get("device") or "auto")
            return Ticket(run_id=folder.name, device=wanted, at=record.started or 0.0, number=0)
    return None


def write(folder: Path, ticket: Ticket) -> None:
    """Put a ticket into a folder, whole or not at all."""
    write_json_atomic(folder / ticket.name, asdict(ticket))


def drop(folder: Path, ticket: Ticket) -> None:
    """Take a ticket away."""
    (folder / ticket.name).unlink(missing_ok=True)


def next_number(folder: Path) -> int:
    """One more than any ticket has that waits or runs."""
    return 1 + max((t.number for t in [*tickets(folder), *tickets(folder / RUNNING)]), default=0)


def is_waiting(record: Record) -> bool:
    """Whether a run's record says that it waits for somebody to start it."""
    return record.state == "queued" and record.pid is None


def waits(ticket: Ticket, workspace: Workspace) -> bool:
    """Whether the run of a ticket is there and still wants to be started."""
    try:
        return is_waiting(Record.read(workspace.runs / ticket.run_id))
    except RunError:
        return False


def _read(path: Path) -> Ticket | None:
    """A ticket, or None when it is gone by now or was spoiled; such a one is in nobody's way."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        known = {f.name: found[f.name] for f in fields(Ticket) if f.name in found}
        ticket = Ticket(**known | {"given": tuple(known.get("given", ()))})
        return ticket if _is_sound(ticket) and ticket.name == path.name else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _is_sound(ticket: Ticket) -> bool:
    """Whether every field holds what it should; JSON from a damaged file may hold anything."""
    return (
        isinstance(ticket.run_id, str)
        and isinstance(ticket.device, str)
        and type(ticket.number) is type(ticket.tries) is int
        and isinstance(ticket.at, int | float)
        and all(isinstance(name, str) for name in ticket.given)
    )
