"""Trash: a deleted folder can be taken back for a week.

It is the hidden folder .trash beside the others, in which a folder is called SECONDS-NAME.
"""

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kdcore.errors import DataError, UnknownNameError

TRASH = ".trash"
KEPT_FOR = 7 * 24 * 3600.0  # seconds


@dataclass(frozen=True)
class Trashed:
    """A folder in the trash; at: when it was thrown away, in seconds since the epoch."""

    id: str
    at: float
    folder: Path


def throw_away(folder: Path) -> None:
    """Move a folder into the trash beside it."""
    trash = folder.parent / TRASH
    trash.mkdir(exist_ok=True)
    folder.rename(trash / f"{time.time():.3f}-{folder.name}")
    _empty(folder.parent)


def take_back(root: Path, name: str) -> Path:
    """Move the folder of this name that was thrown away last back among the others."""
    found = next((one for one in in_trash(root) if one.id == name), None)
    if found is None:
        raise UnknownNameError(f"nothing in the trash is called {name!r}; it holds all for a week")
    folder = root / name
    if folder.exists():
        raise DataError(f"{name!r} is there already, so the one in the trash stays there")
    found.folder.rename(folder)
    return folder


def in_trash(root: Path) -> list[Trashed]:
    """What is in the trash, thrown away last first; what is a week old goes for good."""
    _empty(root)
    return sorted(_entries(root), key=lambda one: one.at, reverse=True)


def _entries(root: Path) -> list[Trashed]:
    found = []
    with suppress(OSError):
        for folder in (root / TRASH).iterdir():
            seconds, _, name = folder.name.partition("-")
            with suppress(ValueError):
                found.append(Trashed(name, float(seconds), folder))
    return found


def _empty(root: Path) -> None:
    for one in _entries(root):
        if one.at < time.time() - KEPT_FOR:
            shutil.rmtree(one.folder, ignore_errors=True)
