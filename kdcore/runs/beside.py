"""What a run keeps beside its own answers so that it can be judged: speed, the teacher's answers.

Both are written by the run's own process at its end (kdcore/recipes/after_run.py) and read here
without torch. A run from before has neither.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kdcore.errors import ConfigError
from kdcore.knobs import build
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, check_name, write_json_atomic

LATENCY = "latency.json"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds from token ids to logits of one pair: median, 95th percentile, how often."""

    p50_ms: float
    p95_ms: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What one model costs. megabytes: of its weights at float32, 10^6 bytes, without the
    tokenizer.

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
    load: float = 0.0  # processes that wanted a core in the last minute
    cores: int = 0
    measured: float = 0.0  # seconds since the epoch

    @classmethod
    def read(cls, run: Run, workspace: Workspace | None = None) -> "Latency | None":
        """What was measured of a run; None when there is nothing that can be read.

        workspace: whose own measurement of a run outside of it goes before the run's.
        """
        here = cls._read(_path(run, workspace)) if workspace else None
        return here or cls._read(run.folder / LATENCY)

    @classmethod
    def _read(cls, path: Path) -> "Latency | None":
        try:
            found: Any = json.loads(path.read_text(encoding="utf-8"))
            teacher = found.pop("teacher", None)
            speed = build(Speed, teacher) if teacher else None
            return build(cls, {**found, **({"teacher": speed} if speed else {})})
        except (OSError, ValueError, AttributeError, TypeError, ConfigError):
            return None

    def keep(self, run: Run, workspace: Workspace) -> None:
        """Keep it in the folder of a run of this workspace, else in the workspace's cache."""
        write_json_atomic(_path(run, workspace), asdict(self))


def _path(run: Run, workspace: Workspace) -> Path:
    folder = run.folder.resolve()
    if folder.parent == workspace.runs.resolve():
        return folder / LATENCY
    outside = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return workspace.cache_folder("latency") / f"{outside}.json"


def teacher_path(run: Run, split: str = "test") -> Path:
    """Where a distilled run keeps its teacher's answers to its own split, when it had to ask."""
    return run.folder / "teacher" / f"{check_name(split, 'split')}.parquet"
