"""Where a run's metric lines also go: TensorBoard's event files, and MLflow where it is set.

metrics.jsonl is what counts; a tracker is a copy of it. So whatever happens to a tracker is one
line in run.log, and the run continues.
"""

import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from kdcore.runs.metric_lines import read_lines
from kdcore.runs.trackers.mlflow import MlflowTracker
from kdcore.runs.trackers.tensorboard import header, scalars

TENSORBOARD = "tensorboard"
ADDRESS = "MLFLOW_TRACKING_URI"
PATIENCE = 5.0  # seconds that the end of a run waits for MLflow, at the most

_logger = logging.getLogger("kdcore")


class EventFile:
    """`tensorboard/` of a run: rewritten from the metric lines when it is opened, then appended to.

    So a resumed run has no step twice and no torn record, however its predecessor ended.
    """

    def __init__(self, folder: Path) -> None:
        self._run = folder
        self._file: IO[bytes] | None = None

    def log(self, step: int, moment: float, values: Mapping[str, float]) -> None:
        """Add a line that stands in the metrics already."""
        if self._file is None:
            self._file = self._begun()
        else:
            self._file.write(_line(step, moment, values))
        self._file.flush()

    def _begun(self) -> IO[bytes]:
        lines = [line for _, line in read_lines(self._run)]
        folder = self._run / TENSORBOARD
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        now = time.time()
        file = (folder / f"events.out.tfevents.{int(now)}.kdlab").open("wb")
        file.write(header(now))
        for line in lines:
            file.write(_line(int(line["step"]), line.get("time", now), line))
        return file

    def close(self) -> None:
        """Close the file; the next line starts a new one."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _line(step: int, moment: float, values: Mapping[str, float]) -> bytes:
    """A record of what are numbers; nothing when none is."""
    shown = numbers_of(values)
    return scalars(moment, step, shown) if shown else b""


def numbers_of(values: Mapping[str, float | None]) -> dict[str, float]:
    """The metrics of a line that can be drawn: no step, no time, no nan."""
    return {
        name: value
        for name, value in values.items()
        if name not in ("step", "time") and value is not None and math.isfinite(value)
    }


class Trackers:
    """The trackers of one run, for its RunWriter; none of these calls raises."""

    def __init__(self, folder: Path) -> None:
        self._events: EventFile | None = EventFile(folder)
        self._mlflow: MlflowTracker | None = None
        if address := os.environ.get(ADDRESS):
            self._mlflow = MlflowTracker(folder, address)

    def log(self, step: int, moment: float, values: Mapping[str, float | None]) -> None:
        """Hand on a line that was written to the metrics."""
        shown = numbers_of(values)
        if self._events is not None:
            events = self._events
            self._guarded(lambda: events.log(step, moment, shown))
        if self._mlflow is not None and shown:
            self._mlflow.log(step, moment, shown)

    def restart(self) -> None:
        """Start over after the metric lines were cut."""
        if self._events is not None:
            self._guarded(self._events.close)

    def end(self, state: str) -> None:
        """Close the event file and send MLflow how the run ended."""
        self.restart()
        if self._mlflow is not None:
            self._mlflow.end(state)

    def wait(self) -> None:
        """Let go of all, and give MLflow a bounded moment to hear the last lines."""
        self.restart()
        if self._mlflow is not None:
            self._mlflow.wait(PATIENCE)

    def _guarded(self, work: Callable[[], None]) -> None:
        """TensorBoard's part; one that failed (a full disk) is left alone until the next resume."""
        try:
            work()
        except Exception as cause:  # a tracker may cost a curve, never a run
            self._events = None
            _logger.warning("TensorBoard's event file is given up: %s", cause)
