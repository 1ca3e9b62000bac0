"""FolderJob: work in a process of its own whose state and result are files of one folder.

A page starts it, polls it, can cancel it, and never waits for it. The folder has `status.json`
while it works, and the result's file once it is finished.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from kdcore.errors import LabError
from kdcore.runs.queue.processes import start_detached
from kdcore.runs.record import is_alive, process_start
from kdcore.workspace import read_json, write_json_atomic

_PATIENCE = 3.0  # seconds between a request and the process that it starts
_STATUS, _LOCK = "status.json", ".status.lock"
_MOST = 24  # jobs of a kind that stay; the oldest beyond go when one starts
State = Literal["none", "running", "finished", "failed", "lost"]
Tell = Callable[[str, float], None]  # called with the step and the share of the work that is done


class _CancelledError(Exception):
    """The job was cancelled while this process did it."""


@dataclass(frozen=True)
class Progress:
    """How a job stands; share: of its steps that are done. message: why it failed."""

    state: State
    step: str = ""
    share: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class FolderJob:
    """folder: where it works; result: the name of the file that it leaves there."""

    folder: Path
    result: str

    def start(self, command: str) -> None:
        """Start `kdlab COMMAND FOLDER` in the background; its input already lies in the folder."""
        write_json_atomic(self.folder / _STATUS, {"requested": time.time()})
        self._remove_old()
        pid = start_detached(command, str(self.folder.resolve()))
        with self._lock():
            status = read_json(self.folder / _STATUS)
            if "requested" in status:  # the process itself has written nothing yet
                coming = {**status, "coming": pid, "started": process_start(pid)}
                write_json_atomic(self.folder / _STATUS, coming)

    def progress(self) -> Progress:
        """How it stands, from its folder."""
        if (self.folder / self.result).is_file():
            return Progress("finished", share=1.0)
        status = read_json(self.folder / _STATUS)
        if not status or "cancelled" in status:
            return Progress("none")
        if message := status.get("message"):
            return Progress("failed", message=str(message))
        step, share = str(status.get("step", "")), float(status.get("share") or 0.0)
        if is_alive(status.get("pid"), status.get("started")):
            return Progress("running", step, share)
        if self._is_coming(status):
            return Progress("running", "starting")
        return Progress("lost", step, share, "The process of this job has ended; start it again.")

    def _is_coming(self, status: Mapping[str, Any]) -> bool:
        """Whether its process has still to say that it is there; on a busy machine it is late."""
        if is_alive(status.get("coming"), status.get("started")):
            return True
        return time.time() - float(status.get("requested") or 0) < _PATIENCE

    @property
    def is_needed(self) -> bool:
        """Whether to start it: it is neither done nor being done."""
        return self.progress().state not in ("finished", "running")

    def forget(self) -> None:
        """Remove the result and how the job stood, so that it can be done again."""
        for name in (self.result, _STATUS):
            (self.folder / name).unlink(missing_ok=True)

    def _remove_old(self) -> None:
        """Remove the oldest folders beside this one, beyond the number that stays."""
        folders = [path for path in self.folder.parent.iterdir() if path.is_dir()]
        folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for folder in folders[_MOST:]:
            if FolderJob(folder, self.result).progress().state != "running":
                shutil.rmtree(folder, ignore_errors=True)

    def cancel(self) -> None:
        """End its process, also one that has yet to begin; a result that is there already stays."""
        if not self.folder.is_dir():
            return
        with self._lock():
            status = read_json(self.folder / _STATUS)
            pid = status.get("pid") or status.get("coming")
            if pid is not None and is_alive(pid, status.get("started")):
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)
            write_json_atomic(self.folder / _STATUS, {"cancelled": time.time()})

    def carry_out(self, work: Callable[[Tell], None]) -> None:
        """Do the work in this process, unless it was cancelled or another process does it.

        What fails is written into the status and raised; a cancelled job ends at its next step.
        """
        own = {"pid": os.getpid(), "started": process_start(os.getpid())}
        if not self._take(own):
            return

        def tell(step: str, share: float) -> None:
            self._write(own, {"step": step, "share": share})

        try:
            work(tell)
        except _CancelledError:
            return
        except Exception as cause:  # whatever it is, the page shows it
            message = str(cause) if isinstance(cause, LabError) else repr(cause)
            with suppress(_CancelledError):
                self._write(own, {"message": message})
            raise

    def _take(self, own: dict[str, Any]) -> bool:
        """Make this process the one that does the work; False where it must not."""
        with self._lock():
            status = read_json(self.folder / _STATUS)
            if "cancelled" in status or is_alive(status.get("pid"), status.get("started")):
                return False
            write_json_atomic(self.folder / _STATUS, {**own, "step": "starting", "share": 0.0})
            return True

    def _write(self, own: dict[str, Any], content: dict[str, Any]) -> None:
        """Write the status; _CancelledError where the job is no longer this process's."""
        with self._lock():
            if read_json(self.folder / _STATUS).get("pid") != own["pid"]:
                raise _CancelledError
            write_json_atomic(self.folder / _STATUS, {**own, **content})

    def _lock(self) -> FileLock:
        return FileLock(self.folder / _LOCK)
