"""Draw maps in a process of their own, which a page polls and can cancel without waiting for it.

A job is a folder `cache/maps/<key>`: the features it reads, `status.json` while it works, and
`maps.safetensors` once it is finished.
"""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import FileLock
from safetensors import safe_open
from safetensors.numpy import save_file

from kdcore.errors import DataError, LabError
from kdcore.projection.maps import TwoMaps, Way, draw, maps_key
from kdcore.projection.spaces import Space
from kdcore.runs.queue.processes import start_detached
from kdcore.runs.record import is_alive, process_start
from kdcore.workspace import Workspace, read_json, replacing, write_json_atomic

_PATIENCE = 60.0  # seconds that a new process may take to write its first status
State = Literal["none", "running", "finished", "failed", "lost"]
_INPUT, _STATUS, _MAPS = "features.safetensors", "status.json", "maps.safetensors"
_LOCK = ".one"


@dataclass(frozen=True)
class Progress:
    """How a job stands; share: of its steps that are done. message: why it failed."""

    state: State
    step: str = ""
    share: float = 0.0
    message: str = ""


def folder_of(key: str, workspace: Workspace) -> Path:
    """Where the maps of this key are drawn and stored."""
    return workspace.cache_folder("maps") / key


def request(
    first: Space, second: Space, workspace: Workspace, way: Way = "umap", seed: int = 0
) -> str:
    """Draw maps in the background unless they are finished or being drawn; return their key."""
    key = maps_key(first, second, way, seed)
    folder = folder_of(key, workspace)
    if progress(key, workspace).state in ("finished", "running"):
        return key
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / _INPUT) as temporary:
        save_file(
            {
                "first": np.ascontiguousarray(first.features, dtype=np.float32),
                "second": np.ascontiguousarray(second.features, dtype=np.float32),
            },
            temporary,
            {"first": first.title, "second": second.title, "way": way, "seed": str(seed)},
        )
    write_json_atomic(folder / _STATUS, {"requested": time.time()})
    start_detached("draw-maps", str(folder.resolve()))
    return key


def progress(key: str, workspace: Workspace) -> Progress:
    """How a job stands, from its folder."""
    folder = folder_of(key, workspace)
    if (folder / _MAPS).is_file():
        return Progress("finished", share=1.0)
    status = read_json(folder / _STATUS)
    if not status:
        return Progress("none")
    if message := status.get("message"):
        return Progress("failed", message=str(message))
    step, share = str(status.get("step", "")), float(status.get("share") or 0.0)
    if is_alive(status.get("pid"), status.get("started")):
        return Progress("running", step, share)
    if "pid" not in status and time.time() - float(status.get("requested") or 0) < _PATIENCE:
        return Progress("running", "starting")
    message = "The process that drew the maps has ended; draw them again."
    return Progress("lost", step, share, message)


def maps_of(key: str, workspace: Workspace) -> TwoMaps:
    """The finished maps; DataError where there are none, or they are damaged."""
    return TwoMaps.load(folder_of(key, workspace) / _MAPS)


def cancel(key: str, workspace: Workspace) -> None:
    """End the process that draws these maps, and forget the job."""
    folder = folder_of(key, workspace)
    status = read_json(folder / _STATUS)
    if is_alive(status.get("pid"), status.get("started")):
        with suppress(ProcessLookupError):
            os.kill(int(status["pid"]), signal.SIGTERM)
    (folder / _STATUS).unlink(missing_ok=True)


def carry_out(folder: Path) -> None:
    """Draw the maps of a job's folder; what fails is written into its status."""
    started = {"pid": os.getpid(), "started": process_start(os.getpid())}

    def tell(step: str, share: float) -> None:
        write_json_atomic(folder / _STATUS, {**started, "step": step, "share": share})

    tell("waiting for other maps", 0.0)
    try:
        first, second, options = _input(folder / _INPUT)
        with FileLock(folder.parent / _LOCK):  # one at a time: umap compiles into one shared cache
            draw(first, second, options["way"], int(options["seed"]), tell).save(folder / _MAPS)
    except Exception as cause:  # the page shows every kind of failure
        message = str(cause) if isinstance(cause, LabError) else repr(cause)
        write_json_atomic(folder / _STATUS, {**started, "message": message})
        raise
    (folder / _INPUT).unlink(missing_ok=True)


def _input(path: Path) -> tuple[Space, Space, Any]:
    try:
        with safe_open(path, framework="numpy") as file:
            options = file.metadata()
            one, other = file.get_tensor("first"), file.get_tensor("second")
    except Exception as cause:
        raise DataError(f"{path.name} holds no features ({cause}); draw the maps again") from None
    return Space(one, options["first"]), Space(other, options["second"]), options
