"""The hidden commands of the queue: its dispatcher, and the processes that this one starts."""

import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Annotated

import typer

from kdcore import lab
from kdcore.cli.kit.running import require_finished, run
from kdcore.config import DistillConfig, from_dict
from kdcore.data.splits import transfer_set
from kdcore.experiments import elsewhere
from kdcore.runs import machine
from kdcore.runs.queue.dispatch import serve
from kdcore.runs.queue.entries import RUNNING, read_entries
from kdcore.runs.queue.queue import PREPARE
from kdcore.runs.record import LOG
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

LOOK_EVERY = 0.5  # seconds between two looks at what is likely to come


def dispatch(home: Annotated[Path, typer.Argument(help="a workspace")]) -> None:
    """Start the runs that wait in this workspace as devices come free; one process does this."""
    serve(Workspace(home.absolute()))


def machines(
    home: Annotated[Path, typer.Argument(help="a workspace")],
    address: Annotated[str, typer.Argument(help="a Ray cluster, HOST:PORT")],
) -> None:
    """Ask a cluster which machines it has, and write that down for the queue of a workspace."""
    elsewhere.look(Workspace(home.absolute()), address)


def carry(
    folder: Annotated[Path, typer.Argument(help="a run's folder")],
    address: Annotated[str, typer.Argument(help="a Ray cluster, HOST:PORT")],
    device: Annotated[str, typer.Argument(help="a device of the cluster, such as cpu@HOST")],
) -> None:
    """Let a machine of a cluster carry out a run of the queue, and wait for its end."""
    run = Run.load(folder.absolute())
    elsewhere.carry(run, address, device, Workspace(run.folder.parent.parent))
    require_finished(run)


def ready(home: Annotated[Path, typer.Argument(help="a workspace")]) -> None:
    """Import what a run needs, wait for one line that says which run, and become its process.

    The input ends without a line when the dispatcher dies; then this process leaves too. Until
    then it asks the teacher of the run that is likely to come (kdcore.runs.queue.queue.prepare).
    """
    orders: Queue[str] = Queue()
    threading.Thread(target=lambda: orders.put(sys.stdin.readline()), daemon=True).start()
    lab.get_ready()
    line = _wait(orders, home.absolute())
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


def _wait(orders: "Queue[str]", home: Path) -> str:
    """The order, or nothing at the end of the input; what is likely next is prepared meanwhile."""
    prepared = ""
    while True:
        with suppress(Empty):
            return orders.get(timeout=LOOK_EVERY)
        likely = _likely(home)
        if likely != prepared:
            prepared = likely
            _prepare(likely, home, orders)


def _likely(home: Path) -> str:
    """The config of the run that is likely to come; "" where nothing is to be prepared for it."""
    if _is_working(home):
        return ""
    try:  # with a GPU it is a matter of a second, and none may be touched before one is given
        return "" if machine.gpus() else (home / "queue" / PREPARE).read_text(encoding="utf-8")
    except OSError:
        return ""


def _is_working(home: Path) -> bool:
    """Whether a run computes: what is prepared beside it would take from its cores."""
    return bool(read_entries(home / "queue" / RUNNING))


def _prepare(likely: str, home: Path, orders: "Queue[str]") -> None:
    """Put into the cache what this distillation would ask its teacher, until an order comes."""

    def watch(done: int) -> None:
        if not orders.empty() or _is_working(home):
            raise InterruptedError

    # Whatever is wrong, the run itself will say it; this process must live for its order, or the
    # dispatcher would make the next one ready, which would die of the same, and so on.
    with suppress(Exception):
        config, workspace = from_dict(json.loads(likely)), Workspace(home)
        if isinstance(config, DistillConfig):
            pairs = lab.pairs_of(config, workspace)
            transfer = transfer_set(pairs, config.transfer_in_memory)
            for part in (transfer, pairs.split("validation").labelled()):
                for teacher in config.teaching.runs:
                    lab.answers(teacher, part, workspace, "cpu", watch=watch)


def _detach(folder: Path) -> None:
    """Read nothing any more, and print where this run's process would from its start."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for old, new in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(old, new)
    for spare in (nothing, log):
        os.close(spare)
