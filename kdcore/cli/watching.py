"""`kdlab runs watch`: one run as a bar, several as a table that is redrawn until all have ended."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

from rich.console import Console
from rich.live import Live

from kdcore.cli.kit.answer import NOTHING, show, table
from kdcore.cli.kit.progress import LOOK_EVERY, Progress
from kdcore.cli.kit.running import print_end
from kdcore.cli.kit.summary import summary
from kdcore.errors import LabError, RunError
from kdcore.runs.metric_lines import latest_numbers
from kdcore.runs.queue import queue
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

LIVE = ("queued", "running")
BETWEEN = 1.0  # seconds in which a run that left the queue gets its process
PARTS = 10  # lines that a file or a pipe gets of each run


def follow(run: Run, as_json: bool) -> None:
    """Show one run until its end, then what it came to; RunError when no process works on it."""
    with Progress(as_json=as_json) as progress:
        progress.tell(run.stage or "run", run)
        while run.status().state in LIVE:
            refuse_forsaken(run)
            try:
                time.sleep(LOOK_EVERY)
            except KeyboardInterrupt:
                progress.tell("")
                raise KeyboardInterrupt(f"{run.id} runs on; only the watch ended") from None
    print_end(run, as_json)


def follow_all(runs: Sequence[Run], as_json: bool) -> None:
    """Show several runs until all have ended; RunError names those that did not finish."""
    try:
        _look_on(runs, as_json)
    except KeyboardInterrupt:
        live = sum(run.status().state in LIVE for run in runs)
        raise KeyboardInterrupt(f"{live} runs go on; only the watch ended") from None
    rows = [_row(run) for run in runs]
    show(as_json, {"runs": [summary(run) for run in runs]}, _table(rows))
    if bad := [row["run"] for row in rows if row["state"] != "finished"]:
        raise RunError(f"{len(bad)} of {len(runs)} runs are not finished: {', '.join(bad)}")


def _look_on(runs: Sequence[Run], as_json: bool) -> None:
    """Draw in a terminal; elsewhere a line whenever a run is a tenth further."""
    printed: dict[str, str] = {}
    with ExitStack() as stack:
        live = None
        if sys.stderr.isatty() and not as_json:
            live = stack.enter_context(Live(console=Console(file=sys.stderr), auto_refresh=False))
        while True:
            rows = [_row(run) for run in runs]
            if live is not None:
                live.update(_table(rows), refresh=True)
            elif not as_json:
                _print_changes(rows, printed)
            waiting = [run for run in runs if run.status().state in LIVE]
            if not waiting:
                return
            for run in waiting:
                refuse_forsaken(run)
            time.sleep(LOOK_EVERY)


def _print_changes(rows: Sequence[dict[str, Any]], printed: dict[str, str]) -> None:
    """A line for each run that is a tenth further than at its last one in `printed`."""
    for row in rows:
        done, total = row["done"]
        reached = f"{row['state']} {done * PARTS // total if total else 0}"
        if printed.get(row["run"]) != reached:
            printed[row["run"]] = reached
            line = f"{row['run']} {row['state']}: {row['step']}, {row['note']}"
            sys.stderr.write(line.rstrip(f", {NOTHING}") + "\n")
    sys.stderr.flush()


def _row(run: Run) -> dict[str, Any]:
    status = run.status()
    numbers = latest_numbers(run.folder)
    shapes = {"loss": "loss {:.3f}", "validation_roc_auc": "AUC {:.3f}"}
    note = "  ".join(how.format(numbers[k]) for k, how in shapes.items() if k in numbers)
    place = _place(run) if status.state == "queued" else None
    step = f"{status.step:,} of {status.total_steps:,}" if status.total_steps else NOTHING
    return {
        "run": run.id,
        "title": run.title or NOTHING,
        "state": status.state,
        "step": f"number {place} in the queue" if place else step,
        "note": note or NOTHING,
        "done": (status.step, status.total_steps),
    }


def _table(rows: Sequence[dict[str, Any]]) -> Any:
    return table([{k: v for k, v in row.items() if k != "done"} for row in rows], right=("step",))


def refuse_forsaken(run: Run) -> None:
    """Raise RunError for a run that waits and that no process will ever start."""
    if is_forsaken(run):
        time.sleep(BETWEEN)  # it may just have left the queue for its process
        if is_forsaken(run):
            raise RunError(
                f"{run.id} waits and no process works on it; "
                f"start it with `kdlab runs resume {run.id}`"
            )


def is_forsaken(run: Run) -> bool:
    """Whether a run is queued without a process and without a place in the queue."""
    status = run.status()
    return status.state == "queued" and status.pid is None and _place(run) is None


def _place(run: Run) -> int | None:
    """The place of a run in the queue of its own workspace; None when it is not in it."""
    with suppress(LabError, OSError):
        return queue.position(run, Workspace(run.folder.absolute().parent.parent))
    return None
