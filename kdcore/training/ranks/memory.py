"""Tensors that the ranks of one machine all see, in a file that each of them maps."""

import os
import tempfile
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor

from kdcore.training.ranks.meeting import Meeting

_FOLDERS = ("/dev/shm", tempfile.gettempdir())  # a file in the first is never written to a disk
_LINE = 64  # bytes; each tensor begins on a cache line of its own


def shared_tensors(like: Sequence[Tensor], meeting: Meeting) -> list[Tensor]:
    """Tensors of these shapes and types, whose numbers are 0 and the same for every rank.

    Every rank calls it at the same time; the one that leads makes the file, which no other process
    can open and which is gone from its folder once all have mapped it. OSError where there is no
    room for it.
    """
    ends = list(accumulate(-(-tensor.nbytes // _LINE) * _LINE for tensor in like))
    path = Path(meeting.agree(str(_reserved(ends[-1])) if meeting.leads else ""))
    try:
        memory = torch.from_file(str(path), shared=True, size=ends[-1], dtype=torch.uint8)
        meeting.wait()
    finally:
        if meeting.leads:
            path.unlink()
    return [
        memory[start : start + tensor.nbytes].view(tensor.dtype).view(tensor.shape)
        for start, tensor in zip([0, *ends], like, strict=False)
    ]


def _reserved(size: int) -> Path:
    """A new file of so many bytes 0, in the first folder that has room for them."""
    problem = OSError("no folder for shared memory")
    for folder in filter(os.path.isdir, _FOLDERS):
        file, name = tempfile.mkstemp(prefix="kdlab-", dir=folder)
        try:
            # without this a full memory would kill the process that writes there
            os.posix_fallocate(file, 0, size)
        except OSError as error:
            problem = error
            os.unlink(name)
        else:
            return Path(name)
        finally:
            os.close(file)
    raise problem
