"""The processes of the other ranks, which rank 0 starts and which end with it."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import FileStore, Store

from kdcore.errors import Cure, RunError
from kdcore.runs.record import name_in_commands
from kdcore.runs.store import Run
from kdcore.training.ranks.meeting import Meeting

FULL = 77  # exit status of a rank that ran out of memory
# in the environment of ranks that we started: store, process id of rank 0, connection to it
STORE, LEADER, MEETING = "KDLAB_RANKS", "KDLAB_RANK_0", "KDLAB_MEETING"


class Helpers:
    """The processes of the other ranks that rank 0 started; under torchrun it started none."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.meeting: Meeting | None = None
        self._over = threading.Event()

    def __enter__(self) -> Self:
        return self

    def start(self, run: Run, device: str, path: Path) -> Store:
        """Start them, their output in the run's log; return the store where they meet."""
        local = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
        if local:  # all are on this machine, so no other machine needs to reach them
            os.environ.setdefault("GLOO_SOCKET_IFNAME", local)
        store = FileStore(str(path), self.size)
        connections = []
        for rank in range(1, self.size):
            variables = {"WORLD_SIZE": str(self.size), STORE: str(path), LEADER: str(os.getpid())}
            variables |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            if device.startswith("cpu") and hasattr(os, "posix_fallocate"):
                own, theirs = socket.socketpair()
                connections.append(own)
                with theirs:
                    variables[MEETING] = str(theirs.fileno())
                    self._start(run, rank, variables, [theirs.fileno()])
            else:
                self._start(run, rank, variables)
        self.meeting = Meeting(connections, leads=True) if connections else None
        return store

    def _start(
        self, run: Run, rank: int, variables: Mapping[str, str], files: Sequence[int] = ()
    ) -> None:
        with run.log_path.open("ab") as log:
            self.processes[rank] = subprocess.Popen(
                [sys.executable, "-m", "kdcore", "run", str(run.folder.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **variables},
                pass_fds=files,
                start_new_session=True,  # Ctrl-C reaches rank 0 only, which ends them
            )

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
        if self.meeting is not None:
            self.meeting.close()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
