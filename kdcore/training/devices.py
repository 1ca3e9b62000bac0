"""The device that a run computes on, its memory and its threads."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import torch

from kdcore.config import MOST_RANKS
from kdcore.errors import ConfigError
from kdcore.runs.machine import refuse_too_many

EVERY_GPU = "cuda:all"
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # numbers of glibc's mallopt, in bytes
# the words of torch's own allocators: CPU on Linux, CPU on Windows, and MPS
_ALLOCATORS = ("can't allocate memory", "not enough memory", "out of memory")


def pick_device(name: str = "auto") -> torch.device:
    """`auto` takes CUDA, then MPS, then the CPU; a device that is not there is a ConfigError.

    Of several (`cuda:all`, `cpu:2`) it is the one of this process, see `ranks`.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    refuse_too_many(name)
    try:
        device = torch.device(_own(name))
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as cause:
        raise ConfigError(
            "This device cannot be used:",
            [f"device: {name!r} is not here ({str(cause).splitlines()[0]}); auto takes what is"],
            change={"device": "auto"},
        ) from None
    return device


def ranks(name: str) -> int:
    """How many processes train one run: one per GPU with `cuda:all`, two with `cpu:2`, else one."""
    if name == EVERY_GPU:
        return max(1, torch.cuda.device_count())
    kind, _, count = name.partition(":")
    return min(max(1, int(count)), MOST_RANKS) if kind == "cpu" and count.isdigit() else 1


def _own(name: str) -> str:
    """The one device of this process out of those that a name stands for."""
    if name == EVERY_GPU:
        return f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    kind, _, count = name.partition(":")
    return "cpu" if kind == "cpu" and count.isdigit() and 0 < int(count) <= MOST_RANKS else name


def memory_mb(device: torch.device) -> float:
    """Megabytes (2**20 bytes): on a GPU the most that was allocated, else those of this process."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / 2**20
    return float(psutil.Process().memory_info().rss) / 2**20


def is_full_memory(error: Exception) -> bool:
    """Whether an error says that the memory of a GPU or of the machine is full."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _ALLOCATORS)


def forget_peak() -> None:
    """Let `memory_mb` count from here, because a new run begins."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        for index in range(torch.cuda.device_count()):
            torch.cuda.reset_peak_memory_stats(index)


def keep_freed_memory() -> None:
    """Let this process keep up to 512 MB that it frees, for its next step.

    glibc returns large arrays to the system at once, which then has to hand out the same pages,
    zeroed, at every step. Other C libraries are left as they are.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # musl has no mallopt
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_MMAP_THRESHOLD, 1 << 30)
            mallopt(_TRIM_THRESHOLD, 1 << 29)


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Let torch compute with so many CPU threads inside the block; 0 leaves the number to torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
