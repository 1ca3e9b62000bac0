"""Cores, memory and GPU of this machine, read without importing torch."""

import os
from dataclasses import dataclass

import psutil

from app.kit.by_hash import by_hash
from kdcore.runs.machine import gpus


@dataclass(frozen=True)
class Machine:
    """Cores, memory in GiB, and the name of a GPU or an empty text."""

    cores: int
    memory: float
    gpu: str


@by_hash(most=1, seconds=600)
def machine() -> Machine:
    """This machine; a GPU counts when its own tool names one."""
    memory = psutil.virtual_memory().total / 2**30
    gpu = next((gpu.title for gpu in gpus()), "")
    return Machine(os.cpu_count() or 1, memory, gpu)
