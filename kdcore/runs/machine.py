"""The devices of this machine, listed without importing torch."""

import csv
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil

from kdcore.config.executor import Place
from kdcore.errors import ConfigError

_FIELDS = "index,uuid,name,memory.free,memory.total"
_PATIENCE = 5.0  # seconds for nvidia-smi, which may wait for a driver that wakes
_FRESH = 5.0  # seconds for which its answer is used again
CORES_PER_RUN = 4


@dataclass(frozen=True)
class Gpu:
    """A GPU, counted as torch counts. handle: its name in CUDA_VISIBLE_DEVICES."""

    name: str  # "cuda:0"
    title: str
    handle: str
    free_mb: int
    total_mb: int


@dataclass(frozen=True)
class DeviceState:
    """A device, how many runs it takes at once, the runs at work and how many wait for it.

    name: "cpu", "cuda:0" or "mps", and "cpu@HOST" on a cluster; place: the address of the cluster,
    "" for this machine.
    """

    name: str
    title: str
    slots: int
    running: tuple[str, ...] = ()
    waiting: int = 0
    memory_free_mb: int = 0
    memory_total_mb: int = 0
    place: str = ""

    @property
    def kind(self) -> str:
        """The name without the machine: cpu, cuda:0 or mps."""
        return self.name.partition("@")[0]


def machine_devices() -> list[DeviceState]:
    """The CPU and every GPU, all of them free."""
    memory = psutil.virtual_memory()
    free, total = int(memory.available / 2**20), int(memory.total / 2**20)
    cores = os.cpu_count() or 1
    title = f"CPU, {cores} core{'s' if cores > 1 else ''}"
    devices = [DeviceState("cpu", title, cpu_slots(), (), 0, free, total)]
    if _is_apple():
        devices.append(DeviceState("mps", "Apple GPU", 1, (), 0, free, total))
    return devices + [
        DeviceState(gpu.name, gpu.title, 1, (), 0, gpu.free_mb, gpu.total_mb) for gpu in gpus()
    ]


def cpu_slots() -> int:
    """How many runs may share the CPU; KDLAB_CPU_SLOTS overrides one for every four cores."""
    setting = os.environ.get("KDLAB_CPU_SLOTS", "")
    if setting.isascii() and setting.isdigit() and int(setting):
        return int(setting)
    return max(1, (os.cpu_count() or 1) // CORES_PER_RUN)


def refuse_too_many(device: str) -> None:
    """ConfigError for `cpu:50` on a machine with fewer cores: each is a process of its own."""
    kind, _, count = device.partition(":")
    cores = max(os.cpu_count() or 1, 2)
    if kind == "cpu" and count.isdigit() and int(count[:9]) > cores:
        raise ConfigError(
            "This device cannot be used:",
            [f"device: {device[:40]} is a process a core, and this machine has {cores} cores"],
            change={"device": "auto"},
        )


def refuse_executor(place: Place) -> None:
    """ConfigError for more workers than this machine has cores, and for Ray that is not there."""
    cores, problem = max(os.cpu_count() or 1, 2), ""
    if place.workers > cores:
        problem = f"on: {place.workers} workers are wanted, and this machine has {cores} cores"
    elif place.engine == "ray" and find_spec("ray") is None:
        problem = "on: Ray is not installed: `pip install 'kdlab[scale]'`, or use local:N"
    if problem:
        raise ConfigError("This executor cannot be used:", [problem])


def gpus() -> list[Gpu]:
    """The GPUs that torch would see, in its order, as nvidia-smi lists them."""
    if time.monotonic() - _seen.at > _FRESH:
        rows = _ask()
        if rows is not None:  # one failure of nvidia-smi does not make a GPU disappear
            _seen.gpus = _visible(rows)
        _seen.at = time.monotonic()
    return list(_seen.gpus)


@dataclass
class _Look:
    at: float = -1e9
    gpus: list[Gpu] = field(default_factory=list)


_seen = _Look()


def _is_apple() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"


def _ask() -> list[dict[str, str]] | None:
    """The rows of nvidia-smi, one per GPU; None when it failed."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    command = [tool, f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    names = _FIELDS.split(",")
    rows = csv.reader(answer.stdout.splitlines(), skipinitialspace=True)
    return [dict(zip(names, row, strict=True)) for row in rows if len(row) == len(names)]


def _visible(rows: list[dict[str, str]]) -> list[Gpu]:
    """The GPUs that CUDA_VISIBLE_DEVICES allows, counted as torch counts them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return [_gpu(i, row["index"], row) for i, row in enumerate(rows)]
    devices: list[Gpu] = []
    for handle in filter(None, (part.strip() for part in visible.split(","))):
        row = next((r for r in rows if _is_called(r, handle)), None)
        if row is None and not (rows and handle.startswith("MIG-")):
            break  # CUDA also stops at the first unknown one
        devices.append(_gpu(len(devices), handle, row or {"name": "a part of a GPU"}))
    return devices


def _is_called(row: dict[str, str], handle: str) -> bool:
    return handle == row["index"] or (handle[:3] == "GPU" and row["uuid"].startswith(handle))


def _gpu(index: int, handle: str, row: dict[str, str]) -> Gpu:
    free, total = _megabytes(row.get("memory.free")), _megabytes(row.get("memory.total"))
    return Gpu(f"cuda:{index}", row["name"], handle, free, total)


def _megabytes(text: str | None) -> int:
    try:
        return int(float(text or 0))
    except ValueError:  # "[N/A]"
        return 0


@lru_cache(maxsize=1)
def machine_mark() -> str:
    """12 hex digits of what decides speed here: processor, cores, version of torch; no name."""
    parts = [platform.system(), _processor(), os.cpu_count(), version("torch")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def this_machine() -> str:
    """12 hex digits of the name of this machine, to tell its processes from those of others."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:12]


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
