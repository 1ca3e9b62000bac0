"""Train one run on several devices: each process (rank) learns from its share of every batch.

Gradients are summed, each share weighted by its pairs, so that the result is that of one process
with the whole batch, up to float error (dropout draws differ). Rank 0 is the run's own process:
it starts the others, and only it logs, validates, saves and heeds a stop; the others read the same
data, take the same steps, and end with it. CPU processes that it started share one copy of the
weights (weights.py); all others sum the gradients through gloo or NCCL. Started by torchrun
(`python -m torch.distributed.run --standalone --nproc-per-node 2 -m kdcore run FOLDER`) the ranks
find each other by the variables of their environment.
"""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor
from torch._C._distributed_c10d import FileStore, PrefixStore, Store, TCPStore

from kdcore.config import TrainingConfig
from kdcore.errors import RunError
from kdcore.models.batches import Rows
from kdcore.runs.store import Run
from kdcore.training.devices import pick_device, ranks, use_threads
from kdcore.training.ranks.exchange import OwnWeights, PeerLostError, Weights
from kdcore.training.ranks.helpers import LEADER, MEETING, STORE, Helpers
from kdcore.training.ranks.meeting import Meeting
from kdcore.training.ranks.weights import SharedWeights

_PATIENCE = timedelta(hours=2)  # the other ranks wait while rank 0 validates and saves
_ASSEMBLE = 300.0  # seconds in which every rank has to start
Kind = TypeVar("Kind", bound=np.generic)
Cuts = Rows | None  # where a batch is cut into shares; None makes them even


@dataclass(frozen=True)
class Group:
    """This process among those that train one run together; by itself it is all of them.

    joined: whether there are others to sum with (a trial takes its share of a batch alone).
    meeting: of ranks that map the same memory, and so need one copy of the weights only.
    """

    rank: int = 0
    size: int = 1
    joined: bool = False
    meeting: Meeting | None = None

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
            if self.meeting is None:
                torch.manual_seed(int(words[0]))
            else:  # of the CPU alone: to ask for other devices takes a millisecond
                torch.default_generator.manual_seed(int(words[0]))

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
        self, losses: Mapping[str, Tensor], rows: Rows, cuts: Cuts = None
    ) -> dict[str, Tensor]:
        """Compute the gradients of `loss`; over all shares they, and what is returned, add up."""
        if self.size > 1:  # a mean over a share counts by the share of the pairs that it holds
            weight = len(self._part(rows, cuts)) / len(rows)
            losses = {name: loss * weight for name, loss in losses.items()}
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        return {name: loss.detach() for name, loss in losses.items()}

    def weights(self, optimizer: torch.optim.AdamW, knobs: TrainingConfig) -> Weights:
        """The weights that an optimizer moves, as the ranks of this group keep them."""
        if self.meeting is not None:
            return SharedWeights(optimizer, knobs, self.rank, self.size, self.meeting)
        return OwnWeights(optimizer, knobs, self.joined)

    def _part(self, values: NDArray[Kind], cuts: Cuts) -> NDArray[Kind]:
        sections: Any = self.size if cuts is None else cuts
        part: NDArray[Kind] = np.array_split(values, sections)[self.rank]
        return part


ALONE = Group()


def own_rank() -> int:
    """Which process of a run this is; 0 for the one that leads or is the only one."""
    return int(os.environ["RANK"]) if is_started() else 0


def is_started() -> bool:
    """Whether this process was started as one of several, by us or by torchrun."""
    ours = STORE in os.environ or "TORCHELASTIC_RUN_ID" in os.environ
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
            store = helpers.start(run, device, Path(folder) / "ranks")
        stack.enter_context(use_threads(_threads(threads, size)))
        store.set("data", data_hash)
        try:
            _assemble(store, size, helpers, heed_stop)
            with _joined(store, device, 0, size, helpers.meeting) as group:
                if device.startswith("cuda"):
                    threading.Thread(target=helpers.guard, daemon=True).start()
                yield group
        except PeerLostError as lost:
            raise helpers.explain(run) from lost


@contextmanager
def following(device: str, threads: int, data_hash: str) -> Iterator[Group]:
    """Take part as one of the other ranks; it ends when the process that started it ends."""
    rank, size = own_rank(), int(os.environ["WORLD_SIZE"])
    parent = int(os.environ.get(LEADER, os.getppid()))
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    path = os.environ.get(STORE)
    store = FileStore(path, size) if path else _torchrun_store()
    if store.get("data") != data_hash.encode():
        raise RunError("the data of this run were changed while it started")
    store.set(f"ready{rank}", "1")
    joined = _joined(store, device, rank, size, _meeting_with_rank_0())
    with use_threads(_threads(threads, size)), joined as group:
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


def _assemble(store: Store, size: int, helpers: Helpers, heed_stop: Callable[[], None]) -> None:
    """Wait until every rank has read the data; RunError when one of them does not start."""
    until = time.monotonic() + _ASSEMBLE
    while not store.check([f"ready{rank}" for rank in range(1, size)]):
        heed_stop()
        if helpers.lost or time.monotonic() > until:
            raise PeerLostError("a process of this run did not start")
        time.sleep(0.05)


def _meeting_with_rank_0() -> Meeting | None:
    if MEETING not in os.environ:
        return None
    return Meeting([socket.socket(fileno=int(os.environ[MEETING]))], leads=False)


@contextmanager
def _joined(
    store: Store, device: str, rank: int, size: int, meeting: Meeting | None
) -> Iterator[Group]:
    """A member of the group; meeting: of ranks that share memory and need no other exchange."""
    if meeting is not None:
        with closing(meeting):
            yield Group(rank, size, joined=True, meeting=meeting)
        return
    backend = "nccl" if device.startswith("cuda") else "gloo"
    if backend == "nccl":
        torch.cuda.set_device(pick_device(device))
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_PATIENCE)
    try:
        yield Group(rank, size, joined=True)
    finally:
        with suppress(RuntimeError):
            dist.destroy_process_group()
