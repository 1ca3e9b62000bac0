"""Move deleted folders to a trash from which they can be restored for a week.

The trash is the hidden folder .trash beside the others; in it a folder is called SECONDS-NAME.
"""

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kdcore.errors import DataError, UnknownNameError

TRASH = ".trash"
LIFETIME = 7 * 24 * 3600.0  # seconds


@dataclass(frozen=True)
class Trashed:
    """A folder in the trash; at: when it was deleted, in seconds since the epoch."""

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
    """Restore the folder of this name that was deleted last, and return its path.

    UnknownNameError when there is none, DataError when the name exists again.
    """
    entry = next((one for one in in_trash(root) if one.id == name), None)
    if entry is None:
        raise UnknownNameError(
            f"nothing in the trash is called {name!r}; deleted folders stay there for a week"
        )
    folder = root / name
    if folder.exists():
        raise DataError(f"{name!r} exists again, so the one in the trash stays there")
    entry.folder.rename(folder)
    return folder


def in_trash(root: Path) -> list[Trashed]:
    """List the trash, deleted last first; what is older than a week is removed for good."""
    _empty(root)
    return sorted(_entries(root), key=lambda one: one.at, reverse=True)


def _entries(root: Path) -> list[Trashed]:
    entries = []
    with suppress(OSError):
        for folder in (root / TRASH).iterdir():
            seconds, _, name = folder.name.partition("-")
            with suppress(ValueError):
                entries.append(Trashed(name, float(seconds), folder))
    return entries


def _empty(root: Path) -> None:
    for one in _entries(root):
        if one.at < time.time() - LIFETIME:
            shutil.rmtree(one.folder, ignore_errors=True)
