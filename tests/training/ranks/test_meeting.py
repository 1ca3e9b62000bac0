"""Ranks of one machine meet: sums over all of them, and a rank that ends is missed."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from kdcore.training.ranks import meeting as module
from kdcore.training.ranks.exchange import PeerLostError
from kdcore.training.ranks.meeting import Meeting


@pytest.fixture
def meetings() -> Iterator[list[Meeting]]:
    """Those of three ranks, the first one's first."""
    pairs = [socket.socketpair() for _ in range(2)]
    others = [Meeting([theirs], leads=False) for _, theirs in pairs]
    every = [Meeting([own for own, _ in pairs], leads=True), *others]
    yield every
    for each in every:
        each.close()


@pytest.mark.parametrize("awake", [0.0, 5.0])
def test_every_rank_gets_the_sum_of_all(
    awake: float, meetings: list[Meeting], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it sleeps while it waits or not."""
    monkeypatch.setattr(module, "_AWAKE", awake)
    with ThreadPoolExecutor() as threads:
        given = [torch.tensor([rank, 0.5]) for rank in range(3)]
        for _ in range(3):
            sums = list(threads.map(Meeting.sum, meetings, given, timeout=60))
            assert [each.tolist() for each in sums] == [[3.0, 1.5]] * 3


def test_the_first_rank_names_what_all_use(meetings: list[Meeting]) -> None:
    meetings[0].agree("/a folder/ä")
    assert [each.agree("") for each in meetings[1:]] == ["/a folder/ä"] * 2


@pytest.mark.parametrize("gone", [0, 2])
def test_a_rank_that_has_ended_is_missed(gone: int, meetings: list[Meeting]) -> None:
    meetings[gone].close()
    other = meetings[1 if gone == 0 else 0]
    meetings[1 if gone == 2 else 2].connections[0].send(b"1234") if gone == 2 else None
    with pytest.raises(PeerLostError, match="has ended"):
        other.wait()
