"""Ctrl-C during training: the first asks for a stop at the next step, the second stops at once."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from kdcore.errors import LabError
from kdcore.runs.record import name_in_commands, resumable


class InterruptFlag:
    """Catches SIGINT between enter and exit, in the main thread only."""

    def __init__(self) -> None:
        self.raised = False
        self._before: Any = None

    def __enter__(self) -> "InterruptFlag":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.raised:
            raise KeyboardInterrupt
        self.raised = True

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None


class StoppedError(LabError):
    """The run was asked to stop; what it had done by then is kept."""

    def __init__(self, message: str, folder: Path) -> None:
        super().__init__(resumable(message, name_in_commands(folder)))
