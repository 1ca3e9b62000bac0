"""Draw maps in a process of their own, which a page polls and can cancel without waiting for it.

A job is a folder `cache/maps/<key>`: the features it reads, `status.json` while it works, and
`maps.safetensors` once it is finished.
"""

from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from safetensors import safe_open
from safetensors.numpy import save_file

from kdcore.errors import DataError
from kdcore.folder_job import FolderJob, Progress, Tell
from kdcore.projection.maps import TwoMaps, Way, draw, maps_key
from kdcore.projection.spaces import Space
from kdcore.workspace import Workspace, replacing

COMMAND = "draw-maps"
_INPUT, _MAPS = "features.safetensors", "maps.safetensors"
_LOCK = ".one"


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
    FolderJob(folder, _MAPS).start(COMMAND)
    return key


def progress(key: str, workspace: Workspace) -> Progress:
    """How a job stands, from its folder."""
    return FolderJob(folder_of(key, workspace), _MAPS).progress()


def maps_of(key: str, workspace: Workspace) -> TwoMaps:
    """The finished maps; DataError where there are none, or they are damaged."""
    return TwoMaps.load(folder_of(key, workspace) / _MAPS)


def cancel(key: str, workspace: Workspace) -> None:
    """End the process that draws these maps, and forget the job."""
    FolderJob(folder_of(key, workspace), _MAPS).cancel()


def carry_out(folder: Path) -> None:
    """Draw the maps of a job's folder; what fails is written into its status."""

    def work(tell: Tell) -> None:
        tell("waiting for other maps", 0.0)
        first, second, options = _input(folder / _INPUT)
        with FileLock(folder.parent / _LOCK):  # one at a time: umap compiles into one shared cache
            draw(first, second, options["way"], int(options["seed"]), tell).save(folder / _MAPS)
        (folder / _INPUT).unlink(missing_ok=True)

    FolderJob(folder, _MAPS).carry_out(work)


def _input(path: Path) -> tuple[Space, Space, Any]:
    try:
        with safe_open(path, framework="numpy") as file:
            options = file.metadata()
            one, other = file.get_tensor("first"), file.get_tensor("second")
    except Exception as cause:
        raise DataError(f"{path.name} holds no features ({cause}); draw the maps again") from None
    return Space(one, options["first"]), Space(other, options["second"]), options
