"""Many runs at a glance: a light row per run, read again only when a file of its folder changed.

A row holds what a table of runs shows. Rows are cached under what the files of their folders look
like (time, size and number of each), so that listing a thousand runs reads nothing that has not
changed.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from kdcore.config.teacher import without_folders
from kdcore.errors import RunError
from kdcore.knobs import flat
from kdcore.metrics.definitions import VERSION
from kdcore.runs.facts import PROVENANCE
from kdcore.runs.metric_lines import METRICS, parse, saved_validation
from kdcore.runs.record import Record, Status, derive
from kdcore.runs.sizes import ModelSize, size_of
from kdcore.runs.speed import LATENCY
from kdcore.runs.store import Run
from kdcore.workspace import last_part, read_json

SPLIT = "test"  # the split whose evaluation a row shows
WATCHED = (
    "config.json",
    "status.json",
    "about.json",
    PROVENANCE,
    METRICS,
    LATENCY,
    f"evaluation/{SPLIT}.json",
    f"predictions/{SPLIT}.parquet",
    "model/model.safetensors",
)
_HEAD = 65_536  # characters of an evaluation that hold its metrics; its per-query columns follow
Stamps = tuple[tuple[int, int, int] | None, ...]  # of the files in WATCHED


class Number(NamedTuple):
    """A measured value, its 95 % interval, and how many pairs or queries it is over."""

    value: float
    low: float
    high: float
    n: int
    unit: str


class Validation(NamedTuple):
    """A measurement on the validation split during training."""

    step: int
    nll: float
    roc_auc: float


@dataclass(frozen=True, kw_only=True)
class Tested:
    """The stored evaluation of the test split, and what it was measured under."""

    metrics: Mapping[str, Number] = field(default_factory=dict)
    data_hash: str = ""
    grades: tuple[str, ...] = ()
    temperature: float = math.nan
    definitions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a table shows of one run. settings: its config by path, `model.` named `student.`.

    best, last: validation at the saved step and at the last one. size: of the saved model.
    scored: whether it has predictions on the test split.
    """

    run: Run = field(hash=False)
    status: Status
    settings: Mapping[str, Any] = field(hash=False)
    best: Validation | None = None
    last: Validation | None = None
    seconds: float | None = None
    test: Tested = field(default_factory=Tested, hash=False)
    scored: bool = False
    size: ModelSize | None = None
    latency: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def id(self) -> str:
        """The name of the run's folder."""
        return self.run.id

    @property
    def parameters(self) -> int | None:
        """Numbers in the saved model; None where there is none."""
        return self.size.parameters if self.size else None

    @property
    def megabytes(self) -> float | None:
        """10^6 bytes of its weights at float32, however they are stored."""
        return self.size.megabytes if self.size else None

    @property
    def state(self) -> str:
        """How the run stands."""
        return self.status.state


def rows(root: Path) -> list[Row]:
    """Every run below a folder, newest first; a broken folder is listed with its problem."""
    try:
        with os.scandir(root) as entries:
            folders = [e.path for e in entries if not e.name.startswith(".") and e.is_dir()]
    except FileNotFoundError:
        return []
    listed = (row_of(Path(folder)) for folder in folders)
    return sorted(listed, key=lambda row: (row.run.created, row.run.id), reverse=True)


def row_of(folder: Path) -> Row:
    """The row of one run's folder."""
    row = read_row(folder, tuple(_stamp(f"{folder}/{name}") for name in WATCHED))
    if row.run.problem or row.status.ended is not None or row.status.pid is None:
        return row
    # the files cannot say whether the process still runs: look at the process itself
    return replace(row, status=derive(row.run.folder))


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


@lru_cache(maxsize=4096)
def read_row(folder: Path, stamps: Stamps) -> Row:
    """Read a row from its files; stamps only tell the cache when one of them has changed."""
    run = Run.load(folder)
    best, last, seconds = _validation(folder)
    return Row(
        run=run,
        status=_written(run),
        settings=_settings(run.settings),
        best=best,
        last=last,
        seconds=seconds,
        test=_tested(folder / "evaluation" / f"{SPLIT}.json"),
        scored=(folder / "predictions" / f"{SPLIT}.parquet").is_file(),
        size=size_of(folder / "model" / "model.safetensors"),
        latency=read_json(folder / LATENCY),
    )


def _written(run: Run) -> Status:
    """The status as it was written last, without a look at the process."""
    if run.problem:
        return Status(state="broken", message=run.problem)
    try:
        return Record.read(run.folder).seen_as()
    except RunError as problem:
        return Status(state="broken", message=str(problem))


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config's plain values by path; a twin's `model` stands where a student's does."""
    named = {"student" if name == "model" else name: value for name, value in config.items()}
    return {
        path: ", ".join(map(str, value)) if isinstance(value, list | tuple) else _shown(path, value)
        for path, value in flat(named).items()
    }


def _shown(path: str, value: Any) -> Any:
    """A value as a table shows it: the last part of an absolute path (a teacher, an encoder)."""
    if path == "teacher" and isinstance(value, str):
        return without_folders(value)
    return last_part(value) if isinstance(value, str) and os.path.isabs(value) else value


def _validation(folder: Path) -> tuple[Validation | None, Validation | None, float | None]:
    """Validation at the saved step and at the last one, and the seconds that the run took."""
    try:
        raw = (folder / METRICS).read_bytes().split(b"\n")[:-1]
    except OSError:
        return None, None, None
    # most lines are of training steps: a row needs none of them, so they are not parsed
    needed = (text for text in raw if b'"validation_nll"' in text or b'"seconds"' in text)
    lines = [line for text in needed if (line := parse(text)) is not None]
    validations = [line for line in lines if "validation_nll" in line]
    seconds = next((line["seconds"] for line in reversed(lines) if "seconds" in line), None)
    if not validations:
        return None, None, seconds
    last = _validation_of(validations[-1])
    saved = saved_validation(validations)
    return _validation_of(saved) if saved else last, last, seconds


def _validation_of(line: Mapping[str, float]) -> Validation:
    nll, roc_auc = (line.get(f"validation_{name}", math.nan) for name in ("nll", "roc_auc"))
    return Validation(int(line["step"]), nll, roc_auc)


def _tested(path: Path) -> Tested:
    """The metrics at the head of a stored evaluation; empty when none has this version."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_HEAD)
            try:
                content = _headed(text)
            except (ValueError, KeyError):  # written in another order: read it whole
                content = json.loads(text + file.read())
        if content["version"] != VERSION:  # KeyError where it is older than versions
            return Tested()
        metrics = {key: _measured(m) for key, m in content["metrics"].items()}
        return Tested(
            metrics=metrics,
            data_hash=str(content["data_hash"]),
            grades=tuple(content["grades"]),
            temperature=_number(content["temperature"]),
            definitions={key: str(m["definition"]) for key, m in content["metrics"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Tested()


def _headed(text: str) -> dict[str, Any]:
    """What stands before and in "metrics" of an evaluation's text, without parsing the rest."""
    mark = '"metrics":'
    at = text.index(mark)
    content: dict[str, Any] = json.loads(text[:at].rstrip().rstrip(",") + "}")
    if not {"version", "data_hash", "grades", "temperature"} <= content.keys():
        raise KeyError("these stand behind the metrics")
    start = at + len(mark)
    start += len(text[start:]) - len(text[start:].lstrip())
    content["metrics"] = json.JSONDecoder().raw_decode(text, start)[0]
    return content


def _measured(metric: Mapping[str, Any]) -> Number:
    value, low, high = (_number(metric[k]) for k in ("value", "low", "high"))
    return Number(value, low, high, int(metric["n"]), str(metric["n_unit"]))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan
