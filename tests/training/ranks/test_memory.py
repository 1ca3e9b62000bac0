"""Memory that several processes map: where its file lies, and that none is left behind."""

import errno
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import torch

from kdcore.training.ranks import memory
from kdcore.training.ranks.meeting import Meeting
from kdcore.training.ranks.memory import shared_tensors


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two folders that serve in place of the machine's."""
    found = [tmp_path / "memory", tmp_path / "disk"]
    for folder in found:
        folder.mkdir()
    monkeypatch.setattr(memory, "_FOLDERS", ("/no/such/folder", *map(str, found)))
    return found


class Alone(Meeting):
    """The meeting of a first rank that has no others; `made` are the files that it was told."""

    def __init__(self) -> None:
        super().__init__([], leads=True)
        self.made: list[Path] = []

    def agree(self, text: str, longest: int = 512) -> str:
        self.made.append(Path(text))
        return text


def test_shared_tensors_have_the_shapes_asked_for_and_leave_no_file(folders: list[Path]) -> None:
    like = [torch.ones(3, 5), torch.ones(()), torch.ones(7, dtype=torch.bfloat16)]
    meeting = Alone()
    tensors = shared_tensors(like, meeting)
    for tensor, asked in zip(tensors, like, strict=True):
        assert (tensor.shape, tensor.dtype) == (asked.shape, asked.dtype)
        assert not tensor.any()
        tensor.copy_(asked)
    assert all(map(torch.equal, tensors, like))  # none lies over another
    assert not meeting.made[0].exists()


def test_every_rank_sees_what_another_writes(folders: list[Path]) -> None:
    like = [torch.ones(4), torch.ones(2)]
    first, second = (Meeting([end], n == 0) for n, end in enumerate(socket.socketpair()))
    with ThreadPoolExecutor() as threads, closing(first), closing(second):
        both = [threads.submit(shared_tensors, like, meeting) for meeting in (first, second)]
        written, seen = (each.result(timeout=60) for each in both)
    written[1].fill_(3)
    assert seen[1].tolist() == [3, 3]


def test_a_full_folder_of_memory_is_passed_over(
    folders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, left = os.posix_fallocate, [1, 2]

    def reserve(file: int, start: int, size: int) -> None:
        if left.pop():
            raise OSError(errno.ENOSPC, "No space left on device")
        genuine(file, start, size)

    monkeypatch.setattr(os, "posix_fallocate", reserve)
    with pytest.raises(OSError, match="No space left"):
        shared_tensors([torch.ones(4)], Alone())
    left[:], meeting = [0, 1], Alone()
    shared_tensors([torch.ones(4)], meeting)
    assert meeting.made[0].parent == folders[1]
    assert not [file for folder in folders for file in folder.iterdir()]
