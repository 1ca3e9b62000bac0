"""Train one run on several devices: each process (rank) learns from its share of every batch.

Gradients are summed, each share weighted by its pairs, so that the result is that of one process
with the whole batch, up to float error (dropout draws differ). Rank 0 is the run's own process:
it starts the others, and only it logs, validates, saves and heeds a stop; the others read the same
data, move their weights by the same sums, and end with it. Started by torchrun
(`python -m torch.distributed.run --standalone --nproc-per-node 2 -m kdcore run FOLDER`) the ranks
find each other by the variables of their environment.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor
from torch._C._distributed_c10d import FileStore, PrefixStore, Store, TCPStore

from kdcore.errors import Cure, RunError
from kdcore.models.batches import Rows
from kdcore.runs.record import name_in_commands
from kdcore.runs.store import Run
from kdcore.training.devices import is_full_memory, pick_device, ranks, use_threads

FULL = 77  # exit status of a rank that ran out of memory
_STORE, _LEADER = "KDLAB_RANKS", "KDLAB_RANK_0"  # in the environment of ranks that we started
_PATIENCE = timedelta(hours=2)  # the other ranks wait while rank 0 validates and saves
_ASSEMBLE = 300.0  # seconds in which every rank has to start
Kind = TypeVar("Kind", bound=np.generic)
Cuts = Rows | None  # where a batch is cut into shares; None makes them even


class PeerLostError(RunError):
    """Another rank has ended."""


@dataclass(frozen=True)
class Group:
    """This process among those that train one run together; by itself it is all of them.

    joined: whether there are others to sum with (a trial takes its share of a batch alone).
    """

    rank: int = 0
    size: int = 1
    joined: bool = False

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes, reports and decides."""
        return self.rank == 0

    def share(self, rows: Rows, cuts: Cuts = None) -> Rows:
        """This rank's pairs of a batch; where there are too few, one pair of weight 0."""
        own = self._part(rows, cuts)
        return own if len(own) else rows[:1]  # it takes part in the exchange, with weight 0

    def reseed(self, seed: int, step: int) -> None:
        """Seed dropout: other draws than rank 0's, and the same ones again after a resume."""
        if not self.leads:
            words = np.random.SeedSequence([seed, step, self.rank]).generate_state(1)
            torch.manual_seed(int(words[0]))

    def scaled_mean(self, mean: Tensor, counted: NDArray[np.bool_], cuts: Cuts = None) -> Tensor:
        """Scale a mean over some pairs of the share so that `backward` makes it the batch's.

        counted: (batch,) which pairs the mean is taken over.
        """
        if self.size == 1:
            return mean
        own = self._part(counted, cuts)
        fraction = own.sum() / max(counted.sum(), 1)
        return mean * float(fraction * len(counted) / max(len(own), 1))

    def backward(
        self, losses: Mapping[str, Tensor], weights: Sequence[Tensor], rows: Rows, cuts: Cuts = None
    ) -> dict[str, Tensor]:
        """Compute the gradients of `loss`, and return every loss: those of the whole batch."""
        if self.size > 1:  # a mean over a share counts by the share of the pairs that it holds
            weight = len(self._part(rows, cuts)) / len(rows)
            losses = {name: loss * weight for name, loss in losses.items()}
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        values = {name: loss.detach() for name, loss in losses.items()}
        if self.joined:
            gradients = [w.grad for w in weights if w.grad is not None]
            # the losses travel with the gradients: one exchange is cheaper than two
            *totals, losses_of_all = _summed(
                [*gradients, torch.stack(list(values.values())).float()]
            )
            for gradient, total in zip(gradients, totals, strict=True):
                gradient.copy_(total)
            values = dict(zip(values, losses_of_all, strict=True))
        return values

    def _part(self, values: NDArray[Kind], cuts: Cuts) -> NDArray[Kind]:
        sections: Any = self.size if cuts is None else cuts
        part: NDArray[Kind] = np.array_split(values, sections)[self.rank]
        return part


ALONE = Group()


def _summed(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Each tensor summed over the ranks, in one exchange."""
    flat = torch.cat([t.reshape(-1) for t in tensors])
    try:
        dist.all_reduce(flat)
    except RuntimeError as cause:
        if is_full_memory(cause):
            raise
        raise PeerLostError("a process of this run has ended") from cause
    parts = torch.split(flat, [t.numel() for t in tensors])
    return [part.view_as(t) for part, t in zip(parts, tensors, strict=True)]


def own_rank() -> int:
    """Which process of a run this is; 0 for the one that leads or is the only one."""
    return int(os.environ["RANK"]) if is_started() else 0


def is_started() -> bool:
    """Whether this process was started as one of several, by us or by torchrun."""
    ours = _STORE in os.environ or "TORCHELASTIC_RUN_ID" in os.environ
    return ours and int(os.environ.get("WORLD_SIZE", 1)) > 1


@contextmanager
def leading(
    device: str, threads: int, run: Run, data_hash: str, heed_stop: Callable[[], None]
) -> Iterator[Group]:
    """Lead as many processes as the device names: start the others, which end with the block.

    heed_stop: called while they start; raises when the run should stop.
    """
    started = is_started()
    size = int(os.environ["WORLD_SIZE"]) if started else ranks(device)
    if size == 1:
        yield ALONE
        return
    with ExitStack() as stack, Helpers(size) as helpers:
        if started:
            store = _torchrun_store()
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            store = helpers.start(run, Path(folder) / "ranks")
        stack.enter_context(use_threads(_threads(threads, size)))
        store.set("data", data_hash)
        try:
            _assemble(store, size, helpers, heed_stop)
            with _joined(store, device, 0, size) as group:
                if device.startswith("cuda"):
                    threading.Thread(target=helpers.guard, daemon=True).start()
                yield group
        except PeerLostError as lost:
            raise helpers.explain(run) from lost


@contextmanager
def following(device: str, threads: int, data_hash: str) -> Iterator[Group]:
    """Take part as one of the other ranks; it ends when the process that started it ends."""
    rank, size = own_rank(), int(os.environ["WORLD_SIZE"])
    parent = int(os.environ.get(_LEADER, os.getppid()))
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    path = os.environ.get(_STORE)
    store = FileStore(path, size) if path else _torchrun_store()
    if store.get("data") != data_hash.encode():
        raise RunError("the data of this run were changed while it started")
    store.set(f"ready{rank}", "1")
    with use_threads(_threads(threads, size)), _joined(store, device, rank, size) as group:
        yield group


def _threads(requested: int, size: int) -> int:
    return requested or max(1, (os.cpu_count() or 1) // size)


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(0)


def _torchrun_store() -> Store:
    """The store of torchrun's agent."""
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    store = TCPStore(host, port, is_master=own_rank() == 0 and not agent)
    return PrefixStore(f"kdlab-{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)


def _assemble(store: Store, size: int, helpers: "Helpers", heed_stop: Callable[[], None]) -> None:
    """Wait until every rank has read the data; RunError when one of them does not start."""
    until = time.monotonic() + _ASSEMBLE
    while not store.check([f"ready{rank}" for rank in range(1, size)]):
        heed_stop()
        if helpers.lost or time.monotonic() > until:
            raise PeerLostError("a process of this run did not start")
        time.sleep(0.05)


@contextmanager
def _joined(store: Store, device: str, rank: int, size: int) -> Iterator[Group]:
    backend = "nccl" if device.startswith("cuda") else "gloo"
    if backend == "nccl":
        torch.cuda.set_device(pick_device(device))
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_PATIENCE)
    try:
        yield Group(rank, size, joined=True)
    finally:
        with suppress(RuntimeError):
            dist.destroy_process_group()


class Helpers:
    """The processes of the other ranks that rank 0 started; under torchrun it started none."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()

    def __enter__(self) -> Self:
        return self

    def start(self, run: Run, path: Path) -> Store:
        """Start them, their output in the run's log; return the store where they meet."""
        local = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
        if local:  # all are on this machine, so no other machine needs to reach them
            os.environ.setdefault("GLOO_SOCKET_IFNAME", local)
        command = [sys.executable, "-m", "kdcore", "run", str(run.folder.resolve())]
        variables = {"WORLD_SIZE": str(self.size), _STORE: str(path), _LEADER: str(os.getpid())}
        store = FileStore(str(path), self.size)
        with run.log_path.open("ab") as log:
            for rank in range(1, self.size):
                self.processes[rank] = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **variables, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                    start_new_session=True,  # Ctrl-C reaches rank 0 only, which ends them
                )
        return store

    @property
    def lost(self) -> dict[int, int]:
        """Exit status of each rank that has ended."""
        polled = {rank: process.poll() for rank, process in self.processes.items()}
        return {rank: status for rank, status in polled.items() if status is not None}

    def guard(self) -> None:
        """Break the group when a rank has died: NCCL would wait for it for ever."""
        while not self._over.wait(0.5):
            if self.lost:
                with suppress(Exception):
                    dist.distributed_c10d._abort_process_group()
                return

    def explain(self, run: Run) -> Exception:
        """The error that says why one of them has ended."""
        until = time.monotonic() + 5
        while not self.lost and time.monotonic() < until:
            time.sleep(0.05)
        if FULL in self.lost.values():
            return torch.OutOfMemoryError("out of memory in another process of this run")
        ended = ", ".join(
            f"process {r + 1} of {self.size} (exit {s})" for r, s in self.lost.items()
        )
        early = f"{ended or 'a process'} of this run ended too early; run.log tells more"
        resume = f"`kdlab runs resume {name_in_commands(run.folder)}`"
        return RunError(Cure(f"{early}. Go on from the last good checkpoint with {resume}", early))

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
