"""Progress on stderr: a bar in a terminal, else one line a stage; drawn from the run's files only.

A run does not know that it is watched: a thread reads its status and the end of its metrics.
"""

import sys
import threading
from contextlib import redirect_stdout, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from kdcore.errors import LabError
from kdcore.runs.metric_lines import latest_numbers
from kdcore.runs.record import Status

LOOK_EVERY = 0.25  # seconds
STAGES = {
    "evaluate": "scoring",
    "teacher": "asking teacher",
    "generation": "earlier generation",
}
SHOWN = {"loss": "loss {:.3f}", "validation_roc_auc": "AUC {:.3f}", "pairs_per_second": "{:,.0f}/s"}


class Watched(Protocol):
    """A run whose files are watched."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def folder(self) -> Path:
        """Where its files are."""

    def status(self) -> Status:
        """How it stands."""


class Progress:
    """Shows how far the work is, in a `with`; what is printed meanwhile goes to stderr too.

    A Ctrl-C that passes through leaves with the sentence that the run wrote down.
    """

    def __init__(self, quiet: bool = False, as_json: bool = False) -> None:
        self._bars = not quiet and sys.stderr.isatty()
        # a program that asked for JSON gets JSON only, on stderr the error if there is one
        self._lines = not (quiet or as_json or self._bars)
        self._now: tuple[str, Watched | None] = ("", None)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._redirected = redirect_stdout(sys.stderr)

    def __enter__(self) -> Self:
        self._redirected.__enter__()
        if self._bars:
            self._thread.start()
        return self

    def tell(self, title: str, run: Watched | None = None) -> None:
        """A new piece of work begins; its steps are those of the run, where there is one."""
        self._now = (title, run)
        if self._lines:
            sys.stderr.write(f"{title}: run {run.id}\n" if run else f"{title}\n")
            sys.stderr.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()
        self._redirected.__exit__(kind, error, trace)
        run = self._now[1]
        if isinstance(error, KeyboardInterrupt) and run is not None:
            raise KeyboardInterrupt(run.status().message) from None

    def _draw(self) -> None:
        with suppress(OSError):  # a closed terminal must not end the work
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TimeRemainingColumn(compact=True, elapsed_when_finished=True),
                TextColumn("{task.fields[note]}", markup=False),
            )
            with Bars(*columns, console=Console(file=sys.stderr), auto_refresh=False) as bars:
                drawn, task = None, None
                while True:
                    last = self._done.wait(LOOK_EVERY)
                    if self._now != drawn and self._now[0]:
                        _fill(bars, task)
                        drawn = self._now
                        task = bars.add_task(drawn[0], total=None, note="")
                    if drawn is not None and task is not None:
                        _look(bars, task, drawn[1])
                        bars.refresh()
                    if last:
                        return


def _fill(bars: Bars, task: Any) -> None:
    """The work before is over: its bar stands full."""
    if task is not None:
        total = bars.tasks[task].total or 1
        bars.update(task, total=total, completed=total)


def _look(bars: Bars, task: Any, run: Watched | None) -> None:
    if run is None:
        return
    with suppress(LabError, OSError):
        status = run.status()
        stage = STAGES.get(status.stage, "")
        numbers = latest_numbers(run.folder)
        parts = [how.format(numbers[key]) for key, how in SHOWN.items() if key in numbers]
        bars.update(
            task,
            total=status.total_steps or None,
            completed=status.step,
            note="  ".join([stage, *parts] if stage else parts),
        )
