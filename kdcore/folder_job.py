"""FolderJob: work in a process of its own whose state and result are files of one folder.

A page starts it, polls it, can cancel it, and never waits for it. The folder has `status.json`
while it works, and the result's file once it is finished.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kdcore.errors import LabError
from kdcore.runs.queue.processes import start_detached
from kdcore.runs.record import is_alive, process_start
from kdcore.workspace import read_json, write_json_atomic

_PATIENCE = 60.0  # seconds in which a new process says that it is there
_STATUS = "status.json"
_MOST = 24  # jobs of a kind that stay; the oldest beyond go when one starts
State = Literal["none", "running", "finished", "failed", "lost"]
Tell = Callable[[str, float], None]  # called with the step and the share of the work that is done


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
        start_detached(command, str(self.folder.resolve()))

    def progress(self) -> Progress:
        """How it stands, from its folder."""
        if (self.folder / self.result).is_file():
            return Progress("finished", share=1.0)
        status = read_json(self.folder / _STATUS)
        if not status:
            return Progress("none")
        if message := status.get("message"):
            return Progress("failed", message=str(message))
        step, share = str(status.get("step", "")), float(status.get("share") or 0.0)
        if is_alive(status.get("pid"), status.get("started")):
            return Progress("running", step, share)
        if "pid" not in status and time.time() - float(status.get("requested") or 0) < _PATIENCE:
            return Progress("running", "starting")
        return Progress("lost", step, share, "The process of this job has ended; start it again.")

    def _remove_old(self) -> None:
        """Remove the oldest folders beside this one, beyond the number that stays."""
        folders = [path for path in self.folder.parent.iterdir() if path.is_dir()]
        folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for folder in folders[_MOST:]:
            if FolderJob(folder, self.result).progress().state != "running":
                shutil.rmtree(folder, ignore_errors=True)

    def cancel(self) -> None:
        """End its process, and forget the job; a result that is there already stays."""
        status = read_json(self.folder / _STATUS)
        if is_alive(status.get("pid"), status.get("started")):
            with suppress(ProcessLookupError):
                os.kill(int(status["pid"]), signal.SIGTERM)
        (self.folder / _STATUS).unlink(missing_ok=True)

    def carry_out(self, work: Callable[[Tell], None]) -> None:
        """Do the work in this process; what fails is written into the status and raised."""
        started = {"pid": os.getpid(), "started": process_start(os.getpid())}

        def tell(step: str, share: float) -> None:
            write_json_atomic(self.folder / _STATUS, {**started, "step": step, "share": share})

        tell("starting", 0.0)
        try:
            work(tell)
        except Exception as cause:  # whatever it is, the page shows it
            message = str(cause) if isinstance(cause, LabError) else repr(cause)
            write_json_atomic(self.folder / _STATUS, {**started, "message": message})
            raise
