"""What a run's folder says of its state: the status record and the process behind it.

The record is what was written last; the status is derived from it, because a process that was
killed cannot write down its end. Only the holder of the folder's lock writes the record: the child
while it runs, the launcher for the moment in which it starts a child or records its end.
"""

import errno
import json
import os
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import psutil
from filelock import FileLock, Timeout

from kdcore.errors import Change, Cure, RunError, for_app
from kdcore.runs.machine import this_machine
from kdcore.runs.old_sentences import fields_of_sentence
from kdcore.workspace import Workspace, write_json_atomic

State = Literal["queued", "running", "finished", "stopped", "failed", "lost", "broken"]
END_STATES = frozenset({"finished", "stopped", "failed"})
WRITTEN_STATES = END_STATES | {"queued", "running"}

STATUS = "status.json"
LOG = "run.log"
NOTES = "notes.json"
CONFIG = "config.json"
STOP = "stop"
LOCK = ".lock"
StopKind = Literal["", "pause", "keep"]  # requested of a run: nothing, to pause, to end early

_ROOM = 64 * 1024  # free bytes that a process needs to write down why it ends
STALLED_AFTER = 60.0  # seconds without a heartbeat
LOST_AFTER = 300.0  # seconds without one, for a process of another machine, which cannot be seen


@dataclass(frozen=True, kw_only=True)
class Status:
    """How a run stands now; times are seconds since the epoch.

    message: in the words of the command line. page: the same in the words of the app, where they
    differ. cause and change: of the error that ended it, see errors.LabError.
    """

    state: State
    message: str = ""
    page: str = ""
    cause: str = ""
    change: Change = field(default_factory=dict, hash=False)
    started: float | None = None
    ended: float | None = None
    step: int = 0
    total_steps: int = 0
    stage: str = ""
    trial: int = 0  # the batch size that is tried after the memory was full
    heartbeat: float | None = None
    pid: int | None = None

    @property
    def for_app(self) -> str:
        """The message in the words of the app."""
        return self.page or self.message

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, one a field."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Record(Status):
    """status.json: the status as it was last written, and what identifies the run."""

    title: str = ""
    created: float = 0.0
    process_start: float | None = None  # of pid, see process_start(); a reused pid differs in it
    machine: str = ""  # of pid, see this_machine()

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """The record of a run's folder; RunError when the file is missing or damaged."""
        path = folder / STATUS
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as cause:
            raise RunError(f"{path} cannot be read ({_reason(cause)})") from cause
        if not isinstance(content, dict) or content.get("state") not in WRITTEN_STATES:
            raise RunError(f"{path} is no status of a run: it holds {str(content)[:60]!r}")
        if "cause" not in content:
            content |= fields_of_sentence(str(content.get("message", "")))
        values = {each.name: content[each.name] for each in fields(cls) if each.name in content}
        for name, value in values.items():
            if not isinstance(value, _KINDS[name]):
                raise RunError(f"{path} is damaged: {name} is {value!r}")
        return cls(**values)

    def write(self, folder: Path) -> None:
        """Replace the record atomically; only the holder of the folder's lock may do this."""
        if not (folder / CONFIG).exists():  # a write would bring a part of it back
            raise RunError(f"the folder of run {folder.name} was removed while it worked")
        with writing(folder):
            write_json_atomic(folder / STATUS, self.to_dict())

    @property
    def is_over(self) -> bool:
        """Whether an end was written down."""
        return self.state in END_STATES

    @property
    def is_elsewhere(self) -> bool:
        """Whether its process runs on another machine, where it cannot be seen from here."""
        return self.machine not in ("", this_machine())

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs; on another machine only the heartbeat tells."""
        here = not self.is_elsewhere
        return is_alive(self.pid, self.process_start) if here else self.silence <= LOST_AFTER

    @property
    def silence(self) -> float:
        """Seconds since the last heartbeat."""
        return time.time() - (self.heartbeat or self.started or time.time())

    @property
    def is_waiting(self) -> bool:
        """Whether the run waits to be started."""
        return self.state == "queued" and self.pid is None

    def at_work(self, state: State, pid: int, message: str = "") -> "Record":
        """The record of a run whose process begins now; what was done so far stays."""
        now = time.time()
        times: dict[str, Any] = {"started": now, "ended": None, "heartbeat": now}
        process: dict[str, Any] = {"process_start": process_start(pid), "machine": this_machine()}
        return replace(self, state=state, pid=pid, **message_fields(message), **times, **process)

    def queued_again(self) -> "Record":
        """The record of a run that waits for its device again; what was done so far stays."""
        names = ("started", "ended", "heartbeat", "pid", "process_start")
        unset: dict[str, Any] = dict.fromkeys(names)
        return replace(self, state="queued", machine="", **message_fields(""), **unset)

    def over(
        self, state: State, message: str, cause: str = "", change: Change | None = None
    ) -> "Record":
        """The record of a run that ends now; cause and change: see errors.LabError."""
        return replace(
            self, state=state, **message_fields(message, cause, change), ended=time.time()
        )

    def seen_as(self, **changes: Any) -> Status:
        """The public part, with some fields replaced."""
        public = {each.name: getattr(self, each.name) for each in fields(Status)}
        return Status(**(public | changes))


_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("state", "message", "page", "cause", "stage", "title", "machine"), (str,)),
    "change": (dict,),
    **dict.fromkeys(("step", "total_steps", "trial"), (int,)),
    **dict.fromkeys(("started", "ended", "heartbeat", "process_start"), (int, float, type(None))),
    "created": (int, float),
    "pid": (int, type(None)),
}


def derive(folder: Path) -> Status:
    """The status of a run's folder: an end record wins, else a living process, else lost."""
    try:
        record = Record.read(folder)
    except RunError as problem:
        return Status(state="broken", message=str(problem))
    if record.is_over or record.pid is None:
        return record.seen_as()
    if record.is_alive:
        silent = f"no sign of life for {record.silence:.0f} s"
        message = message_fields(silent) if record.silence > STALLED_AFTER else {}
        return record.seen_as(state="running", **message)
    if Record.read(folder) != record:  # it wrote its end between the two looks
        return derive(folder)
    why = "killed, or the machine restarted"
    with suppress(OSError):
        if shutil.disk_usage(folder).free < _ROOM:
            why = "the disk is full: free some space first"
    lost = f"process {record.pid} is gone without an end record ({why})"
    if record.is_elsewhere:
        lost = f"its process on another machine gave no sign of life for {record.silence:.0f} s"
    return record.seen_as(state="lost", **message_fields(resumable(lost, folder.name)))


def message_fields(message: str, cause: str = "", change: Change | None = None) -> dict[str, Any]:
    """The fields of a status that hold a message, which may be a Cure, and what it is about."""
    text = for_app(message)
    texts = {"message": str(message), "page": "" if text == message else text}
    return {**texts, "cause": cause, "change": dict(change or {})}


def resumable(message: str, run: str) -> Cure:
    """A message and how to resume the run; the app has a button for that."""
    return Cure(f"{message}; continue with `kdlab runs resume {run}`", message)


def name_in_commands(folder: Path) -> str:
    """What a command calls this run: its id, or its folder where it lies in another store."""
    here = folder.resolve()
    usual = here.parent == Workspace.default().runs.resolve()
    return folder.name if usual else shlex.quote(str(here))


def process_start(pid: int) -> float | None:
    """When a process started, in seconds after the machine did; None without such a process.

    The wall clock of a start moves when the clock is set; the distance to the boot does not.
    A zombie has ended: it only waits for its parent to read its exit code.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time() - psutil.boot_time())
    except (psutil.Error, ValueError, OverflowError):
        return None


def is_alive(pid: int | None, started: float | None) -> bool:
    """Whether the process that was recorded still runs: the same pid and the same start."""
    now = process_start(pid) if pid is not None else None
    # 2 s: the kernel reports the boot time in whole seconds and may round it either way.
    return now is not None and started is not None and abs(now - started) <= 2.0


def stop_kind(folder: Path) -> StopKind:
    """What the stop file asks for: `keep` when it holds that word, else `pause`; "" without one."""
    try:
        return "keep" if (folder / STOP).read_text(encoding="utf-8").strip() == "keep" else "pause"
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        return "pause"


@contextmanager
def hold(folder: Path, patience: float) -> Iterator[None]:
    """Hold the folder's lock; RunError that names its holder after `patience` seconds."""
    lock = FileLock(folder / LOCK, timeout=patience)
    try:
        with writing(folder):
            lock.acquire()
    except Timeout as cause:
        holder = Record.read(folder).pid
        raise RunError(
            f"run {folder.name} is being written by {f'process {holder}' if holder else 'another'}"
            f": wait for it, or stop it with `kdlab runs stop {folder.name}`"
        ) from cause
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Around a write into a run's folder: an OSError becomes a RunError that says what to do."""
    try:
        yield
    except Timeout:  # an OSError too, but it is no trouble with the disk
        raise
    except OSError as cause:
        raise write_error(folder, cause) from cause


def write_error(folder: Path, cause: Exception) -> RunError:
    """Why a file of a run could not be written, and the way out."""
    if not is_full_disk(cause):
        return RunError(f"a file of run {folder.name} could not be written ({_reason(cause)})")
    checkpoint = "it starts over, because it has no checkpoint yet"
    if (folder / "checkpoint/checkpoint.json").is_file():
        checkpoint = "the last good checkpoint is saved"
    free = "the disk is full: free some space, then resume"
    message = Cure(
        f"{free} with `kdlab runs resume {folder.name}`; {checkpoint}", f"{free}; {checkpoint}"
    )
    return RunError(message, cause="disk")


def is_full_disk(error: BaseException) -> bool:
    """Whether an error is the disk's (or quota's) end, even when a model saver reworded it."""
    is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return is_full or os.strerror(errno.ENOSPC) in str(error)


def _reason(cause: Exception) -> str:
    return (getattr(cause, "strerror", None) or str(cause) or type(cause).__name__).lower()
