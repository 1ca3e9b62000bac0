"""A run taken out of the lab: exported by a process of its own, cached, handed over."""

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
from pathlib import Path
from typing import Any, Literal

from app.kit import memory
from app.services import access
from app.services.access import refuse_public
from app.services.live.run import twin_of
from kdcore.errors import LabError, RunError
from kdcore.export.formats import ONNX, misfit
from kdcore.runs.store import Run

Kind = str  # a format of kdcore.export.formats, "int8" (onnx and eight bits), or "report"
State = Literal["none", "working", "done", "failed"]
MOST_WORKING = 2  # each holds torch in memory
MOST_KEPT = 20  # in the cache; the oldest go
_ANSWER, _PROBLEM, _REPORT = "answer.json", "problem.txt", "report.html"
_OF_TWIN = ("status.json", "predictions")
_OF_RUN = (
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
class Export:
    """How far an export has come. sentence: what was checked, or what went wrong."""

    state: State
    sentence: str = ""
    name: str = ""
    megabytes: float = 0.0


def start(run: Run, kind: Kind) -> None:
    """Begin an export, unless it is at work or done already."""
    refuse_public()
    place = _place(run, kind)
    with _LOCK:
        if standing(run, kind).state in ("working", "done"):
            return
        if sum(map(_lives, _WORKING)) >= MOST_WORKING:
            raise RunError(f"{MOST_WORKING} exports are running; wait for one of them")
        _make_room(place)
        to = (
            ["--report", str(place / _REPORT)]
            if kind == "report"
            else ["--to", str(place / run.id)]
        )
        command = [sys.executable, "-m", "kdcore", "export", str(run.folder), *to, *_form(kind)]
        with (place / _ANSWER).open("wb") as answer, (place / _PROBLEM).open("wb") as problem:
            _WORKING[place] = subprocess.Popen(
                [*command, "--force", "--json"],
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=problem,
            )


def _form(kind: Kind) -> list[str]:
    """The options that ask for a form."""
    if kind in ("folder", "report"):
        return []
    return ["--int8"] if kind == "int8" else ["--format", kind]


def reason(run: Run, kind: Kind) -> str:
    """Why this run's model cannot take this form; an empty text when it can."""
    try:
        return misfit(run, ONNX if kind == "int8" else kind)
    except LabError as cause:
        return str(cause)


def standing(run: Run, kind: Kind) -> Export:
    """How an export stands; done once its process said so, also after a restart of the app."""
    place = _place(run, kind)
    if _lives(place):
        return Export("working")
    if (answer := _json(place / _ANSWER)) is None:
        return Export("failed", _problem(place)) if place in _WORKING else Export("none")
    files, name = _files(place / run.id), f"{run.id}{'' if kind == 'folder' else f'-{kind}'}.zip"
    if kind == "report":
        files, name = [place / _REPORT], f"{run.id}.html"
    try:
        size = sum(path.stat().st_size for path in files) / 1e6
    except OSError:
        return Export("none")  # the cache was emptied
    return Export("done", str(answer.get("sentence", "")), name, size) if files else Export("none")


def content(run: Run, kind: Kind) -> bytes:
    """What was exported, as one file: the page, or the folder as a zip."""
    place = _place(run, kind)
    if kind == "report":
        return (place / _REPORT).read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in _files(place / run.id):
            archive.write(path, path.relative_to(place).as_posix())
    return packed.getvalue()


def _make_room(place: Path) -> None:
    """An empty folder for what is exported now, and the oldest ones gone."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    idle = [p for p in place.parent.iterdir() if p.is_dir() and not _lives(p)]
    for old in sorted(idle, key=lambda p: p.stat().st_mtime)[:-MOST_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
        _WORKING.pop(old, None)


def _lives(place: Path) -> bool:
    """Whether a process is at work on a place."""
    process = _WORKING.get(place)
    return process is not None and process.poll() is None


def _place(run: Run, kind: Kind) -> Path:
    """A folder of the cache for just this state of the run, and of the twin it is judged by."""
    stamps = [str(run.folder.absolute()), kind, *_stamps(run, _OF_RUN)]
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


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _problem(place: Path) -> str:
    """What the process wrote on its error stream, as a sentence."""
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
    """The files of a folder and of the folders in it."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
