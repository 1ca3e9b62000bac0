"""Files of imported predictions in the workspace, and their details without a full read."""

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
    """A file of kept predictions: its model's name as it was typed, and which pairs it answers.

    part: content hash of the split, "" when the file cannot be read. whole: whether all pairs of
    the split are answered. origin: None for answers of the lab's own models.
    """

    path: Path
    model: str
    part: str
    whole: bool = True
    origin: Origin | None = None


def brought_path(workspace: Workspace, data: str, name: str, part_hash: str) -> Path:
    """Where brought predictions lie: by data set, name (any text) and the hash of their split.

    So one name may answer several splits, each in a file of its own.
    """
    folder = workspace.data_folder(data) / "brought"
    stem = f"{slug(name)[:_LONGEST].rstrip('._-')}-{part_hash[:_MARK]}"
    return folder / f"{check_name(stem, 'name of predictions')}.parquet"


def keep(
    predictions: Predictions, workspace: Workspace, data: str, *, replace: bool = False
) -> Path:
    """Write brought predictions beside their data; DataError when the name is taken.

    replace: they may take the place of those of the same name.
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
    """The answers brought to one split of a data set, newest first."""
    paths = (workspace.data_folder(data) / "brought").glob("*.parquet")
    newest = sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [kept for kept in map(kept_about, newest) if kept.part == part_hash]


def twin_among(student: Kept, offered: Iterable[Kept]) -> Kept | None:
    """The brought twin of a brought student: the one made for it by name, else one for any.

    None for a model that was brought in another role.
    """
    if student.origin is None or student.origin.role != "student":
        return None
    twins = [k for k in offered if k.origin and k.origin.role == "twin" and k.path != student.path]
    own = [k for k in twins if k.origin and k.origin.student == student.model]
    free = [k for k in twins if k.origin and not k.origin.student]
    return next(iter(own + free), None)


def kept_about(path: Path) -> Kept:
    """What the schema of a predictions file says; the answers themselves are not read."""
    plain = re.sub(rf"-[0-9a-f]{{{_MARK}}}$", "", path.stem)
    try:
        about: dict[str, Any] = json.loads((pq.read_schema(path).metadata or {})[b"kdlab"])
        origin = Origin(**about["origin"]) if "origin" in about else None
        held = str(about["data_hash"])
        part = origin.part if origin and origin.part else held
        return Kept(path, str(about.get("model") or plain), part, part == held, origin)
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException):
        return Kept(path, plain, "")
