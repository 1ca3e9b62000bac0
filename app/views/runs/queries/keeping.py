"""A run taken out of the lab: made by a process of its own, kept in the cache, handed over."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import yaml

from app.kit import memory
from app.services import access
from app.services.access import refuse_public
from app.services.live.run import twin_of
from app.services.models import model_run
from kdcore.errors import RunError
from kdcore.runs.store import Run
from kdcore.runs.trackers.log import TENSORBOARD
from kdcore.runs.trackers.mlflow import remembered

Kind = Literal["folder", "onnx", "report"]
State = Literal["none", "working", "done", "failed"]
MOST_WORKING = 2  # each holds torch in memory
MOST_KEPT = 20  # in the cache; the oldest go
_ANSWER, _PROBLEM, _REPORT = "answer.json", "problem.txt", "report.html"
_OF_TWIN = ("status.json", "predictions")
_WATCHED = (
    "model/model.safetensors",
    "metrics.jsonl",
    "latency.json",
    "about.json",
    "evaluation",
    *_OF_TWIN,
)
_LOCK = threading.Lock()
_WORKING: dict[Path, subprocess.Popen[bytes]] = memory.table("processes that export a run")


@dataclass(frozen=True)
class Kept:
    """How far a thing that is taken out has come. sentence: the check, or what went wrong."""

    state: State
    sentence: str = ""
    name: str = ""
    megabytes: float = 0.0


def start(run_id: str, kind: Kind) -> None:
    """Begin to make it, unless it is at work or done already."""
    refuse_public()
    run = model_run(run_id)
    place = _place(run, kind)
    with _LOCK:
        if _standing(run, kind, place).state in ("working", "done"):
            return
        if sum(map(_lives, _WORKING)) >= MOST_WORKING:
            raise RunError(f"{MOST_WORKING} exports are running; wait for one of them")
        _make_room(place)
        with (place / _ANSWER).open("wb") as said, (place / _PROBLEM).open("wb") as wrong:
            _WORKING[place] = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "kdcore",
                    "export",
                    str(run.folder),
                    *_how(run, kind, place),
                ],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=wrong,
            )


def _make_room(place: Path) -> None:
    """An empty folder for what is made now, and the oldest ones gone."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    held = [p for p in place.parent.iterdir() if p.is_dir() and not _lives(p)]
    for old in sorted(held, key=lambda p: p.stat().st_mtime)[:-MOST_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
        _WORKING.pop(old, None)


def _lives(place: Path) -> bool:
    """Whether a process is at work on a place."""
    process = _WORKING.get(place)
    return process is not None and process.poll() is None


def _how(run: Run, kind: Kind, place: Path) -> list[str]:
    if kind == "report":
        return ["--report", str(place / _REPORT), "--force", "--json"]
    more = ["--onnx"] if kind == "onnx" else []
    return ["--to", str(place / run.id), *more, "--force", "--json"]


def standing(run_id: str, kind: Kind) -> Kept:
    """How it stands; done once its process told so, also after a restart of the app."""
    run = model_run(run_id)
    return _standing(run, kind, _place(run, kind))


def _standing(run: Run, kind: Kind, place: Path) -> Kept:
    process = _WORKING.get(place)
    if _lives(place):
        return Kept("working")
    if (answer := _answer(place)) is not None:
        return _done(run, kind, place, answer)
    return Kept("failed", _trouble(place)) if process is not None else Kept("none")


def _done(run: Run, kind: Kind, place: Path, answer: dict[str, Any]) -> Kept:
    if kind == "report":
        files, name = [place / _REPORT], f"{run.id}.html"
    else:
        files, name = _files(place / run.id), f"{run.id}{'-onnx' if kind == 'onnx' else ''}.zip"
    try:
        size = sum(path.stat().st_size for path in files) / 1e6
    except OSError:
        return Kept("none")  # the cache was emptied
    return Kept("done", str(answer.get("sentence", "")), name, size) if files else Kept("none")


def content(run_id: str, kind: Kind) -> bytes:
    """What was made, as one file: the page, or the folder as a zip."""
    run = model_run(run_id)
    place = _place(run, kind)
    if kind == "report":
        return (place / _REPORT).read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in _files(place / run.id):
            archive.write(path, f"{run.id}/{path.name}")
    return packed.getvalue()


def settings(run_id: str) -> str:
    """The run's settings as YAML, as `--config` takes them."""
    return yaml.safe_dump(model_run(run_id).settings, sort_keys=False, allow_unicode=True)


def board_folder(run_id: str) -> Path | None:
    """The folder of TensorBoard's event files; None when the run wrote none."""
    folder = model_run(run_id).folder / TENSORBOARD
    return folder if folder.is_dir() else None


def mlflow_run(run_id: str) -> tuple[str, str] | None:
    """Address and run in MLflow, where the run was told to it."""
    return remembered(model_run(run_id).folder)


def onnx_possible() -> bool:
    """Whether the packages that ONNX needs are installed; none of them is imported."""
    return all(find_spec(name) is not None for name in ("onnx", "onnxruntime", "onnxscript"))


def _place(run: Run, kind: Kind) -> Path:
    """A folder of the cache for just this state of the run, and of the twin it is judged by."""
    stamps = [str(run.folder.absolute()), kind, *_stamps(run, _WATCHED)]
    if (twin := twin_of(run)) is not None:
        stamps += [twin.id, *_stamps(twin, _OF_TWIN)]
    digest = hashlib.sha256("\n".join(stamps).encode()).hexdigest()[:12]
    return access.home().cache_folder("kept") / f"{run.id}-{digest}"


def _stamps(run: Run, names: Sequence[str]) -> list[str]:
    """When files of a run, and what lies right in its folders, were last written."""
    stamps = []
    for name in names:
        path = run.folder / name
        inside = sorted(path.iterdir()) if path.is_dir() else []
        stamps += [str(p.stat().st_mtime_ns) if p.exists() else "" for p in (path, *inside)]
    return stamps


def _answer(place: Path) -> dict[str, Any] | None:
    try:
        answer = json.loads((place / _ANSWER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _trouble(place: Path) -> str:
    """What the process told on its error stream, as a sentence."""
    try:
        text = (place / _PROBLEM).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "the cache was emptied in the meantime"
    try:
        content = json.loads(text[text.index("{") :])
        return str(content.get("error") or content.get("message") or text)
    except (ValueError, AttributeError):
        return (text.splitlines() or ["it ended without a word"])[-1]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
