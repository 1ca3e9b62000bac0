"""The size and speed of a run's model, as measured (kdcore/judging/latency.py) and stored.

A run measures itself at its end; runs of earlier versions have no such file.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kdcore.errors import ConfigError
from kdcore.knobs import build
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, write_json_atomic

LATENCY = "latency.json"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds from token ids to logits of one pair: median, 95th percentile, and n."""

    p50_ms: float
    p95_ms: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The size and speed of one model.

    megabytes: 10^6 bytes of its weights at float32, without the tokenizer.

    one_thread: batch 1 on one CPU thread; configured: batch 1 on the device and threads of the
    run. pairs_per_second: batches of `Latency.batch` as configured; 0 when nothing was measured.
    tokens_p50 and tokens_p95: of the pairs that were drawn, as this model reads them.
    """

    parameters: int
    megabytes: float
    one_thread: Timing
    configured: Timing
    pairs_per_second: float
    tokens_p50: float
    tokens_p95: float


@dataclass(frozen=True, kw_only=True)
class Latency:
    """A run's model and, when it was distilled, its teacher, measured in turns in one process."""

    student: Speed
    teacher: Speed | None = None
    device: str = "cpu"
    machine: str = ""  # the name of the accelerator, or the CPU's kind and cores
    threads: int = 1
    products: str = "float32"  # type of the matrix products
    drawn_from: str = "test"
    batch: int = 32
    load: float = 0.0  # mean number of processes that computed or waited in the last minute
    cores: int = 0
    measured: float = 0.0  # seconds since the epoch

    @classmethod
    def read(cls, run: Run, workspace: Workspace | None = None) -> "Latency | None":
        """The latency of a run; None when there is none that can be read.

        workspace: a measurement stored in it for a run outside goes before the run's own.
        """
        own = cls._read(_path(run, workspace)) if workspace else None
        return own or cls._read(run.folder / LATENCY)

    @classmethod
    def _read(cls, path: Path) -> "Latency | None":
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
            teacher = content.pop("teacher", None)
            speed = build(Speed, teacher) if teacher else None
            return build(cls, {**content, **({"teacher": speed} if speed else {})})
        except (OSError, ValueError, AttributeError, TypeError, ConfigError):
            return None

    def write(self, run: Run, workspace: Workspace) -> None:
        """Write it into the folder of a run of this workspace, else into the workspace's cache."""
        write_json_atomic(_path(run, workspace), asdict(self))


def _path(run: Run, workspace: Workspace) -> Path:
    folder = run.folder.resolve()
    if folder.parent == workspace.runs.resolve():
        return folder / LATENCY
    outside = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return workspace.cache_folder("latency") / f"{outside}.json"
