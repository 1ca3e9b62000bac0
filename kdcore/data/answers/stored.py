"""Store imported predictions in the workspace, and list them without reading them whole."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kdcore.errors import DataError
from kdcore.predictions import Origin, Predictions
from kdcore.workspace import Workspace, check_name, slug

_LONGEST, _MARK = 80, 8  # letters of a name and of the hash behind it in a file's name


@dataclass(frozen=True)
class Kept:
    """A file of stored predictions: its model's name as typed, and the pairs that it answers.

    split_hash: content hash of the split, "" when the file cannot be read. whole: whether all pairs
    of the split are answered. origin: None for answers of the lab's own models.
    """

    path: Path
    model: str
    split_hash: str
    whole: bool = True
    origin: Origin | None = None


def brought_path(workspace: Workspace, data: str, name: str, part_hash: str) -> Path:
    """Return the path of imported predictions: by data set, name (any text) and hash of the split.

    One name may answer several splits, each in a file of its own.
    """
    folder = workspace.data_folder(data) / "brought"
    stem = f"{slug(name)[:_LONGEST].rstrip('._-')}-{part_hash[:_MARK]}"
    return folder / f"{check_name(stem, 'name of predictions')}.parquet"


def keep(
    predictions: Predictions, workspace: Workspace, data: str, *, replace: bool = False
) -> Path:
    """Write imported predictions beside their data; DataError when the name exists.

    replace: they may replace those of the same name.
    """
    part = predictions.origin.part if predictions.origin else ""
    path = brought_path(workspace, data, predictions.model, part or predictions.data_hash)
    if path.exists() and not replace:
        raise DataError(
            f"there are predictions of {kept_about(path).model!r} to these pairs already: choose "
            "another name, or replace them"
        )
    predictions.save(path)
    return path


def brought_to(workspace: Workspace, data: str, part_hash: str) -> list[Kept]:
    """List the predictions imported for one split of a data set, newest first."""
    return [each for each in list_imports(workspace, data) if each.split_hash == part_hash]


def list_imports(workspace: Workspace, data: str) -> list[Kept]:
    """List all predictions imported for a data set, newest first."""
    paths = (workspace.data_folder(data) / "brought").glob("*.parquet")
    newest = sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return list(map(kept_about, newest))


def imports_named(workspace: Workspace, data: str, name: str) -> list[Kept]:
    """List what was imported for a data set under one name, newest first: a file per split."""
    return [each for each in list_imports(workspace, data) if each.model == name]


def twin_among(student: Kept, offered: Iterable[Kept]) -> Kept | None:
    """Find the imported twin of an imported student: the one that names it, else one for any.

    None for a model that was imported in another role.
    """
    if student.origin is None or student.origin.role != "student":
        return None
    twins = [k for k in offered if k.origin and k.origin.role == "twin" and k.path != student.path]
    own = [k for k in twins if k.origin and k.origin.student == student.model]
    free = [k for k in twins if k.origin and not k.origin.student]
    return next(iter(own + free), None)


def kept_about(path: Path) -> Kept:
    """Read the schema of a predictions file, without the answers themselves."""
    plain = re.sub(rf"-[0-9a-f]{{{_MARK}}}$", "", path.stem)
    try:
        metadata: dict[str, Any] = json.loads((pq.read_schema(path).metadata or {})[b"kdlab"])
        origin = Origin(**metadata["origin"]) if "origin" in metadata else None
        answered = str(metadata["data_hash"])
        split = origin.part if origin and origin.part else answered
        return Kept(path, str(metadata.get("model") or plain), split, split == answered, origin)
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException):
        return Kept(path, plain, "")
