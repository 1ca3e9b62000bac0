"""The hidden commands of the queue: its dispatcher, and a process that is ready for a run."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from kdcore.cli.running import run
from kdcore.runs.record import LOG


def dispatch(home: Annotated[Path, typer.Argument(help="a workspace")]) -> None:
    """Start the runs that wait in this workspace as devices come free; one process does this."""
    from kdcore.runs.dispatch import serve
    from kdcore.workspace import Workspace

    serve(Workspace(home.absolute()))


def ready() -> None:
    """Import what a run needs, wait for one line that says which run, and become its process.

    The input ends without a line when the dispatcher dies; then this process leaves too.
    """
    from kdcore import lab

    lab.get_ready()
    line = sys.stdin.readline()
    if not line.strip():
        return
    order = json.loads(line)
    os.environ.update(order["environment"])
    folder = Path(order["folder"])
    _detach(folder)
    if cores := order["environment"].get("OMP_NUM_THREADS"):
        import torch  # it read the variable when it was imported

        torch.set_num_threads(int(cores))
    run(folder)


def _detach(folder: Path) -> None:
    """Read nothing any more, and print where this run's process would from its start."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for old, new in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(old, new)
    for spare in (nothing, log):
        os.close(spare)
