"""Where the ranks of one machine meet several times in a step, in microseconds."""

import os
import select
import socket
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from kdcore.training.ranks.exchange import PeerLostError

_AWAKE = 0.05  # seconds that a rank looks again and again for the others' word before it sleeps


class Meeting:
    """This rank's connections: the first has one to each other rank, these have one to the first.

    PeerLostError when a rank at the other end has ended.
    """

    def __init__(self, connections: Sequence[socket.socket], leads: bool) -> None:
        self.connections, self.leads = connections, leads
        for connection in connections:
            connection.setblocking(False)

    def sum(self, values: Tensor) -> Tensor:
        """A few float32 summed over the ranks, once all have come here."""
        message = values.numpy().tobytes()
        if self.leads:
            others = [self._hear(each, len(message)) for each in self.connections]
            total = torch.stack([values, *map(_numbers, others)]).sum(dim=0)
            self._tell(total.numpy().tobytes())
            return total
        self._tell(message)
        return _numbers(self._hear(self.connections[0], len(message)))

    def wait(self) -> None:
        """Return when every rank has come here."""
        self.sum(torch.zeros(1))

    def agree(self, text: str, longest: int = 512) -> str:
        """The text that the first rank gives; at most `longest` bytes."""
        if self.leads:
            self._tell(text.encode().ljust(longest))
            return text
        return self._hear(self.connections[0], longest).decode().rstrip()

    def close(self) -> None:
        """End the connections, which the others notice."""
        for connection in self.connections:
            connection.close()

    def _tell(self, message: bytes) -> None:
        try:
            for connection in self.connections:
                connection.sendall(message)  # so short that it never waits
        except OSError as cause:
            raise _lost() from cause

    def _hear(self, connection: socket.socket, size: int) -> bytes:
        heard, until = b"", time.monotonic() + _AWAKE
        while len(heard) < size:
            try:
                part = connection.recv(size - len(heard))
            except BlockingIOError:
                # to fall asleep and be woken takes longer than most waits
                if time.monotonic() < until:
                    os.sched_yield()
                else:
                    select.select([connection], [], [])
                continue
            except OSError as cause:
                raise _lost() from cause
            if not part:
                raise _lost()
            heard += part
        return heard


def _numbers(message: bytes) -> Tensor:
    return torch.frombuffer(bytearray(message), dtype=torch.float32)


def _lost() -> PeerLostError:
    return PeerLostError("a process of this run has ended")
