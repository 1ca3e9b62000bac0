"""The child's side of a run: the only writer of its folder while it lives."""

import json
import logging
import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self, cast

from kdcore.errors import Change, Cure, LabError, RunError
from kdcore.runs.metric_lines import METRICS, read_lines
from kdcore.runs.queue.carried import begun, is_own
from kdcore.runs.record import (
    CONFIG,
    END_STATES,
    LOG,
    NOTES,
    STOP,
    Record,
    State,
    StopKind,
    hold,
    is_full_disk,
    name_in_commands,
    resumable,
    stop_kind,
    write_error,
    writing,
)
from kdcore.runs.trackers.log import Trackers
from kdcore.workspace import write_bytes_atomic, write_json_atomic

HEARTBEAT_EVERY = 1.0  # seconds between two writes of the status
STOP_LOOK_EVERY = 0.2  # seconds between two looks for the stop file
LOCK_PATIENCE = 2.0  # seconds; a launcher holds the lock for milliseconds

_logger = logging.getLogger("kdcore")


class RunWriter:
    """Writes progress, metrics, log and end of one run; use it in a `with`.

    Leaving the block writes the end down: finished, or stopped by Ctrl-C, or failed with a plain
    sentence. An exception is raised again. A second writer of the same run gets a RunError.

    leader: the writer of a run that trains this one for itself: it shows how far this run is, and
    a pause of it is one of this run.
    """

    def __init__(self, folder: Path, leader: "RunWriter | None" = None) -> None:
        self.folder, self.leader = folder, leader
        self._record = Record(state="queued")
        self._notes: list[str] = []
        self._trackers = Trackers(folder)
        self._cleanup = ExitStack()
        self._stop: StopKind = ""
        self._next_look = 0.0
        self._next_beat = 0.0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        with ExitStack() as stack:
            stack.callback(self._trackers.wait)  # the last of all: the lock is free by then
            stack.enter_context(hold(self.folder, LOCK_PATIENCE))
            before = Record.read(self.folder)
            self._attach_log(stack)
            self._catch_sigterm(stack)
            self._begin(before)
            self._cleanup = stack.pop_all()
        return self

    @property
    def elapsed(self) -> float:
        """Seconds that this process has worked on the run."""
        return time.monotonic() - self._began

    def _begin(self, before: Record) -> None:
        if not is_own(before):  # no stop can be meant for a process that was not there yet
            (self.folder / STOP).unlink(missing_ok=True)
        self._drop_torn_tail()
        self._record = begun(before)
        self._record.write(self.folder)

    def _drop_torn_tail(self) -> None:
        """Cut a line that a killed child left half written, so the next one starts afresh."""
        path = self.folder / METRICS
        if path.exists():
            whole = path.read_bytes().rfind(b"\n") + 1
            with writing(self.folder):
                os.truncate(path, whole)

    def _attach_log(self, stack: ExitStack) -> None:
        with writing(self.folder):
            handler = logging.FileHandler(self.folder / LOG, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        stack.callback(_logger.setLevel, _logger.level)
        stack.callback(handler.close)
        stack.callback(_logger.removeHandler, handler)
        _logger.addHandler(handler)
        if _logger.level == logging.NOTSET:
            _logger.setLevel(logging.INFO)

    def _catch_sigterm(self, stack: ExitStack) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # Python delivers signals to the main thread only
        owner = os.getpid()

        def on_term(number: int, frame: FrameType | None) -> None:
            if os.getpid() == owner:
                self._stop = "pause"
                return
            signal.signal(number, signal.SIG_DFL)  # a forked data loader must still die of it
            os.kill(os.getpid(), number)

        before = signal.signal(signal.SIGTERM, on_term)
        stack.callback(signal.signal, signal.SIGTERM, before or signal.SIG_DFL)

    def log(self, step: int, **values: float) -> None:
        """Append one line of numbers to the metrics; nan and infinity are written as null."""
        numbers = {name: _finite(value) for name, value in values.items()}
        now = round(time.time(), 3)
        line = json.dumps({"step": int(step), "time": now, **numbers}) + "\n"
        path = self.folder / METRICS
        before = path.stat().st_size if path.exists() else 0
        with writing(self.folder):
            try:
                with path.open("ab") as file:
                    file.write(line.encode())
            except OSError:
                with suppress(OSError):  # half a line would spoil the next one
                    os.truncate(path, before)
                raise
        self._trackers.log(int(step), now, numbers)
        self._beat(step=max(int(step), self._record.step))

    def progress(self, step: int, total: int, stage: str = "", trial: int = 0) -> None:
        """Record how far the run is; written at most once per second, a new stage at once.

        trial: the batch size that is tried after the memory was full.
        """
        if (stage, trial) != (self._record.stage, self._record.trial):
            self._next_beat = 0.0
        self._beat(step=int(step), total_steps=int(total), stage=stage, trial=trial)

    def _beat(self, **changes: Any) -> None:
        self._record = replace(self._record, **changes)
        now = time.monotonic()
        if self.leader is not None:
            self.leader.progress(self._record.step, self._record.total_steps, "generation")
        if now >= self._next_beat:
            self._next_beat = now + HEARTBEAT_EVERY
            self._record = replace(self._record, heartbeat=time.time())
            self._record.write(self.folder)

    @property
    def stop_requested(self) -> bool:
        """Whether a stop was requested, by the stop file or by SIGTERM; stays true."""
        return bool(self.stop_kind)

    @property
    def stop_kind(self) -> StopKind:
        """What is requested: `pause` is to save and stop, `keep` to end with the best so far.

        A pause is final; after `keep` a pause may still be requested.
        """
        now = time.monotonic()
        if self.leader is not None and self.leader.stop_kind == "pause":
            self._stop = "pause"
        if self._stop != "pause" and now >= self._next_look:
            self._next_look = now + STOP_LOOK_EVERY
            self._stop = stop_kind(self.folder) or self._stop
        return self._stop

    def note(self, sentences: Sequence[str]) -> None:
        """Add sentences to what is noted of this run's model and texts."""
        self._notes = list(dict.fromkeys([*self._notes, *sentences]))
        for sentence in sentences:
            _logger.info("note: %s", sentence)
        if self._notes:
            with writing(self.folder):
                write_json_atomic(self.folder / NOTES, {"notes": self._notes})

    def truncate_after(self, step: int) -> None:
        """Drop the metric lines later than a checkpoint's step, before resuming from it."""
        lines = read_lines(self.folder)
        earlier = b"".join(raw + b"\n" for raw, line in lines if line["step"] <= step)
        with writing(self.folder):
            write_bytes_atomic(self.folder / METRICS, earlier)
        self._trackers.restart()
        self._record = replace(self._record, step=step)

    def finish(
        self, state: str, message: str = "", *, cause: str = "", change: Change | None = None
    ) -> None:
        """Write the end down: finished, stopped or failed, and why; see errors.LabError."""
        if state not in END_STATES:
            raise RunError(f"a run ends finished, stopped or failed; not {state!r}")
        ended = self._record.over(cast(State, state), message, cause, change)
        self._record = replace(ended, heartbeat=ended.ended)
        self._record.write(self.folder)
        self._trackers.end(state)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._cleanup:
            if not (self.folder / CONFIG).exists():  # removed while it worked: leave no part of it
                shutil.rmtree(self.folder, ignore_errors=True)
                return
            (self.folder / STOP).unlink(missing_ok=True)  # it was meant for this child only
            if error is None:
                if not self._record.is_over:
                    self.finish("finished")
                return
            if not isinstance(error, LabError | KeyboardInterrupt):
                _logger.error("the run failed", exc_info=error)
            with suppress(RunError):  # on a full disk the first error is the one to hear
                if isinstance(error, KeyboardInterrupt):
                    message = resumable("stopped by Ctrl-C", name_in_commands(self.folder))
                    self.finish("stopped", message)
                    return
                failure = _as_lab_error(error, self.folder)
                message = Cure(str(failure), failure.for_app)
                self.finish("failed", message, cause=failure.cause, change=failure.change)


def _as_lab_error(error: BaseException, folder: Path) -> LabError:
    """The error that a run's status shows for an exception."""
    if isinstance(error, LabError):
        return error
    if isinstance(error, Exception) and is_full_disk(error):
        return write_error(folder, error)
    detail = " ".join(str(error).split())[:200]
    what = f"{type(error).__name__}: {detail}" if detail else type(error).__name__
    return RunError(f"an unexpected error ended the run ({what}); the details are in {LOG}")


def _finite(value: float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
