"""Draw maps in a process of their own, which a page polls and can cancel without waiting for it.

A job is a folder `cache/maps/<key>`: the features it reads, or the texts and models of two towers,
`status.json` while it works, and `maps.safetensors` once it is finished.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from kdcore.errors import DataError
from kdcore.folder_job import FolderJob, Progress, Tell
from kdcore.projection.maps import TwoMaps, draw, maps_key
from kdcore.projection.spaces import Space
from kdcore.projection.texts import TextPoints, texts_key
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, read_json, replacing, write_json_atomic

COMMAND = "draw-maps"
_INPUT, _MAPS = "features.safetensors", "maps.safetensors"
_TEXTS = "texts.json"
_LOCK = ".one"
# a run's folder, queries, and ads as (title, description) -> (queries + ads, width)
Embed = Callable[[Path, Sequence[str], Sequence[tuple[str, str]]], NDArray[np.float32]]


def folder_of(key: str, workspace: Workspace) -> Path:
    """Where the maps of this key are drawn and stored."""
    return workspace.cache_folder("maps") / key


def request(first: Space, second: Space, workspace: Workspace, seed: int = 0) -> str:
    """Draw maps in the background unless they are finished or being drawn; return their key."""
    key = maps_key(first, second, seed)
    job = _job(key, workspace)
    if not job.is_needed:
        return key
    folder = job.folder
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / _INPUT) as temporary:
        save_file(
            {
                "first": np.ascontiguousarray(first.features, dtype=np.float32),
                "second": np.ascontiguousarray(second.features, dtype=np.float32),
            },
            temporary,
            {"first": first.title, "second": second.title, "seed": str(seed)},
        )
    job.start(COMMAND)
    return key


def request_texts(
    models: tuple[Run, Run], texts: TextPoints, workspace: Workspace, seed: int = 0
) -> str:
    """The same for the queries and ads of two towers, which are embedded first."""
    key = texts_key(models[0].model_folder, models[1].model_folder, texts, seed)
    job = _job(key, workspace)
    if not job.is_needed:
        return key
    folder = job.folder
    folder.mkdir(parents=True, exist_ok=True)
    runs = [str(run.folder.resolve()) for run in models]
    titles = [run.shown_title for run in models]
    content = {"runs": runs, "titles": titles, "seed": seed, **texts.saved()}
    write_json_atomic(folder / _TEXTS, content)
    job.start(COMMAND)
    return key


def progress(key: str, workspace: Workspace) -> Progress:
    """How a job stands, from its folder."""
    return _job(key, workspace).progress()


def maps_of(key: str, workspace: Workspace) -> TwoMaps:
    """The finished maps; DataError where there are none, or they are damaged."""
    return TwoMaps.load(folder_of(key, workspace) / _MAPS)


def cancel(key: str, workspace: Workspace) -> None:
    """End the process that draws these maps, and forget the job."""
    _job(key, workspace).cancel()


def forget(key: str, workspace: Workspace) -> None:
    """Remove maps that cannot be read, so that they can be drawn again."""
    _job(key, workspace).forget()


def _job(key: str, workspace: Workspace) -> FolderJob:
    return FolderJob(folder_of(key, workspace), _MAPS)


def carry_out(folder: Path, embed: Embed) -> None:
    """Draw the maps of a job's folder; what fails is written into its status.

    embed: gives the vectors of texts by a run of two towers; it needs torch, and this does not.
    """
    texts = folder / _TEXTS

    def work(tell: Tell) -> None:
        tell("waiting for other maps", 0.0)
        with FileLock(folder.parent / _LOCK):  # one at a time: umap compiles into one shared cache
            if texts.is_file():
                first, second, seed = _embedded(read_json(texts), embed, tell)
            else:
                first, second, seed = _input(folder / _INPUT)
            maps = draw(first, second, seed=seed, tell=tell, keep_neighbors=texts.is_file())
            maps.save(folder / _MAPS)
        (folder / _INPUT).unlink(missing_ok=True)

    FolderJob(folder, _MAPS).carry_out(work)


def _embedded(content: Any, embed: Embed, tell: Tell) -> tuple[Space, Space, int]:
    """The vectors of queries and ads by both models."""
    spaces = []
    for run, title in zip(content["runs"], content["titles"], strict=True):
        tell(f"vectors by {title}", 0.0)
        vectors = embed(Path(run), content["queries"], [tuple(ad) for ad in content["ads"]])
        spaces.append(Space(vectors, title))
    return spaces[0], spaces[1], int(content["seed"])


def _input(path: Path) -> tuple[Space, Space, int]:
    try:
        with safe_open(path, framework="numpy") as file:
            options = file.metadata()
            one, other = file.get_tensor("first"), file.get_tensor("second")
    except Exception as cause:
        raise DataError(f"{path.name} holds no features ({cause}); draw the maps again") from None
    return Space(one, options["first"]), Space(other, options["second"]), int(options["seed"])
