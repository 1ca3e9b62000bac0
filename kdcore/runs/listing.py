"""Many runs at a glance: a light row a run, read again only when a file of its folder changed.

A row holds what a table of runs shows; whoever needs more opens the run. The rows of one process
are kept in memory under what the folder's files look like from outside (moment, size and number
of each), so that a thousand runs cost a thousand looks and no reading.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from kdcore.errors import RunError
from kdcore.knobs import flat
from kdcore.metrics.definitions import VERSION
from kdcore.runs.about import About
from kdcore.runs.alike import budget_of, setting_of
from kdcore.runs.record import Record, Status, derive
from kdcore.runs.sizes import ModelSize, size_of
from kdcore.runs.store import Run
from kdcore.workspace import last_part

SPLIT = "test"  # the split whose evaluation a row tells
WATCHED = (
    "config.json",
    "status.json",
    "about.json",
    "provenance.json",
    "metrics.jsonl",
    "latency.json",
    f"evaluation/{SPLIT}.json",
    f"predictions/{SPLIT}.parquet",
    "model/model.safetensors",
)
_HEAD = 65_536  # characters of an evaluation that hold its metrics; its per-query columns follow
_KEPT: dict[str, tuple["_Look", "Row"]] = {}
_LOCK = Lock()
_Look = tuple[tuple[int, int, int] | None, ...]


class Number(NamedTuple):
    """A measured value, its 95 % interval, and how many pairs or queries it is over."""

    value: float
    low: float
    high: float
    n: int
    unit: str


class Validation(NamedTuple):
    """A look at the validation split during training."""

    step: int
    nll: float
    roc_auc: float


@dataclass(frozen=True, kw_only=True)
class Tested:
    """The kept evaluation of the test split, and what it was measured under."""

    metrics: Mapping[str, Number] = field(default_factory=dict)
    data_hash: str = ""
    grades: tuple[str, ...] = ()
    temperature: float = math.nan
    definitions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a table tells of one run. settings: its config by path, `model.` named `student.`.

    best, last: validation at the kept step and at the last look. size: of the saved model.
    scored: whether predictions on the test split are kept.
    budget: hash of model, data, seed and training, which a student and its twin share; setting:
    what runs have in common that differ in their seed alone.
    """

    run: Run = field(hash=False)
    status: Status
    about: About = field(hash=False)
    settings: Mapping[str, Any] = field(hash=False)
    provenance: Mapping[str, Any] = field(hash=False)
    best: Validation | None = None
    last: Validation | None = None
    budget: str = ""
    setting: str = ""
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
    folders = {entry.path for entry in _folders(root)}
    with _LOCK:
        for gone in [p for p in _KEPT if os.path.dirname(p) == str(root) and p not in folders]:
            del _KEPT[gone]
    found = [_row(path) for path in folders]
    return sorted(found, key=lambda row: (row.run.created, row.id), reverse=True)


def row_of(folder: Path) -> Row:
    """The row of one run's folder."""
    return _row(str(folder))


def _folders(root: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(root) as entries:
            yield from (e for e in entries if not e.name.startswith(".") and e.is_dir())
    except FileNotFoundError:
        return


def _row(path: str) -> Row:
    look = _look(path)
    with _LOCK:
        kept = _KEPT.get(path)
    if kept is None or kept[0] != look:
        kept = (look, _read(Path(path)))
        with _LOCK:
            _KEPT[path] = kept
    row = kept[1]
    if row.run.problem or row.status.ended is not None or row.status.pid is None:
        return row
    # only a look at the process tells whether it still runs; its files are silent on that
    return replace(row, status=derive(row.run.folder))


def _look(path: str) -> _Look:
    return tuple(_seen(f"{path}/{name}") for name in WATCHED)


def _seen(path: str) -> tuple[int, int, int] | None:
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


def _read(folder: Path) -> Row:
    run = Run.load(folder)
    best, last, seconds = _validation(folder)
    return Row(
        run=run,
        status=_written(run),
        about=About.read(folder),
        settings=_settings(run.config),
        provenance=_json(folder / "provenance.json"),
        best=best,
        last=last,
        budget=budget_of(run.config),
        setting=setting_of(run.config) if run.config else run.id,
        seconds=seconds,
        test=_tested(folder / "evaluation" / f"{SPLIT}.json"),
        scored=(folder / "predictions" / f"{SPLIT}.parquet").is_file(),
        size=size_of(folder / "model" / "model.safetensors"),
        latency=_json(folder / "latency.json"),
    )


def _written(run: Run) -> Status:
    """The status as it was written last; a living or a dead process is looked at each time."""
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
        path: ", ".join(map(str, value)) if isinstance(value, list | tuple) else _shown(value)
        for path, value in flat(named).items()
    }


def _shown(value: Any) -> Any:
    """A value as it may be shown: of a whole path (a teacher, an encoder) its last part alone."""
    return last_part(value) if isinstance(value, str) and os.path.isabs(value) else value


def _validation(folder: Path) -> tuple[Validation | None, Validation | None, float | None]:
    """Validation at the kept step and at the last one, and the seconds that the run took."""
    try:
        lines = (folder / "metrics.jsonl").read_bytes().split(b"\n")[:-1]
    except OSError:
        return None, None, None
    seen: list[Validation] = []
    kept, seconds = None, None
    for line in lines:
        if b'"validation_nll"' not in line and b'"seconds"' not in line:
            continue
        try:
            said = json.loads(line)
            seconds = said.get("seconds", seconds)
            kept = said.get("kept_step", kept)
            if "validation_nll" in said:
                numbers = (_number(said.get(f"validation_{k}")) for k in ("nll", "roc_auc"))
                seen.append(Validation(int(said["step"]), *numbers))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    best = next((v for v in seen if v.step == kept), seen[-1] if seen else None)
    return best, seen[-1] if seen else None, seconds


def _tested(path: Path) -> Tested:
    """The metrics at the head of a kept evaluation; nothing when there is none of this version."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_HEAD)
            try:
                said = _headed(text)
            except (ValueError, KeyError):  # written in another order: read it whole
                said = json.loads(text + file.read())
        if said["version"] != VERSION:  # KeyError where it is older than versions
            return Tested()
        metrics = {key: _measured(m) for key, m in said["metrics"].items()}
        return Tested(
            metrics=metrics,
            data_hash=str(said["data_hash"]),
            grades=tuple(said["grades"]),
            temperature=_number(said["temperature"]),
            definitions={key: str(m["definition"]) for key, m in said["metrics"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Tested()


def _headed(text: str) -> dict[str, Any]:
    """What stands before and in "metrics" of an evaluation's text, without the rest of it."""
    mark = '"metrics":'
    at = text.index(mark)
    said: dict[str, Any] = json.loads(text[:at].rstrip().rstrip(",") + "}")
    if not {"version", "data_hash", "grades", "temperature"} <= said.keys():
        raise KeyError("these stand behind the metrics")
    start = at + len(mark)
    start += len(text[start:]) - len(text[start:].lstrip())
    said["metrics"] = json.JSONDecoder().raw_decode(text, start)[0]
    return said


def _measured(said: Mapping[str, Any]) -> Number:
    value, low, high = (_number(said[k]) for k in ("value", "low", "high"))
    return Number(value, low, high, int(said["n"]), str(said["n_unit"]))


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan
