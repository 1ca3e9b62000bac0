"""Marks that visitors put on runs: a star on the baseline, tags, a note; one file per workspace.

A write takes a lock, reads the file, changes the mark of one run and replaces the file whole, so
that two windows at once lose nothing. Entries that cannot be understood stay in the file.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from kdcore.errors import ConfigError, RunError
from kdcore.workspace import Workspace, write_json_atomic

FILE = "marks.json"
LONGEST = 2000  # characters of a note
MOST_TAGS, LONGEST_TAG = 20, 40
PATIENCE = 10.0  # seconds to wait for another window's write


@dataclass(frozen=True)
class Mark:
    """The mark of one run. star: it is the baseline; changed: when, ISO 8601 in UTC."""

    star: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""
    changed: str = ""

    def __post_init__(self) -> None:
        problems = []
        if len(self.note) > LONGEST:
            problems.append(f"note: {len(self.note)} characters; {LONGEST} at most")
        if len(self.tags) > MOST_TAGS:
            problems.append(f"tags: {len(self.tags)}; {MOST_TAGS} at most")
        problems += [
            f"tags: {tag[:50]!r} has {len(tag)} characters; {LONGEST_TAG} at most"
            for tag in self.tags
            if len(tag) > LONGEST_TAG
        ]
        if problems:
            raise ConfigError("This mark cannot be saved:", problems)

    @property
    def empty(self) -> bool:
        """Whether it holds nothing, so that it need not be stored."""
        return not (self.star or self.tags or self.note.strip())


def tags_of(text: str) -> tuple[str, ...]:
    """Tags as they are typed: separated by commas, spaces around them ignored."""
    return tuple(dict.fromkeys(tag for part in text.split(",") if (tag := " ".join(part.split()))))


@dataclass(frozen=True)
class Marks:
    """The marks of a workspace."""

    workspace: Workspace

    @property
    def path(self) -> Path:
        """The file; it need not exist yet."""
        return self.workspace.root / FILE

    def read(self) -> dict[str, Mark]:
        """Every mark by its run's id; none where the file cannot be read."""
        try:
            content = self._content()
        except RunError:
            return {}
        return {run: mark for run, entry in content.items() if (mark := _mark(entry)) is not None}

    def keep(self, run: str, **changes: Any) -> dict[str, Mark]:
        """Change a run's star, tags or note; all marks as they are then.

        The star moves: there is one baseline. RunError when the file is damaged, locked or cannot
        be written, and when this run's own mark in it cannot be understood.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=PATIENCE):
                content = self._content()
                before = self._before(content, run)
                if changes.get("star"):
                    _unstar(content)
                now = datetime.now(UTC).isoformat(timespec="seconds")
                _put(content, run, replace(before, **changes, changed=now))
                write_json_atomic(self.path, content)
        except Timeout as cause:
            raise RunError(
                f"the marks are being written elsewhere for over {PATIENCE:.0f} s; try again"
            ) from cause
        except OSError as cause:
            raise RunError(f"the marks cannot be saved in {self.path}: {cause.strerror}") from cause
        return self.read()

    def _before(self, content: Mapping[str, Any], run: str) -> Mark:
        mark = _mark(content.get(run, {}))
        if mark is None:  # this change would overwrite it
            raise RunError(
                f"the mark of {run} in {self.path} cannot be understood; mend or remove it there"
            )
        return mark

    def _content(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as cause:
            raise RunError(
                f"{self.path} cannot be read ({cause}); mend it or move it away"
            ) from cause
        if not isinstance(content, dict):
            raise RunError(f"{self.path} holds no marks of runs; mend it or move it away")
        return content


def starred(marks: Mapping[str, Mark]) -> str:
    """The id of the baseline, or ""."""
    return next((run for run, mark in marks.items() if mark.star), "")


def all_tags(marks: Iterable[Mark]) -> list[str]:
    """Every tag in use, by name."""
    return sorted({tag for mark in marks for tag in mark.tags}, key=str.casefold)


def _unstar(content: dict[str, Any]) -> None:
    for run, entry in list(content.items()):
        mark = _mark(entry)
        if mark is None or not mark.star:
            continue
        _put(content, run, replace(mark, star=False))


def _put(content: dict[str, Any], run: str, mark: Mark) -> None:
    """Put a mark in the place of the old one; fields of a later KD Lab stay."""
    unknown = {
        name: value for name, value in content.pop(run, {}).items() if not hasattr(mark, name)
    }
    if unknown or not mark.empty:
        content[run] = asdict(mark) | unknown


def _mark(entry: Any) -> Mark | None:
    try:
        star, tags, note = entry.get("star", False), entry.get("tags", []), entry.get("note", "")
        if not (isinstance(star, bool) and isinstance(tags, list) and isinstance(note, str)):
            return None
        return Mark(star, tuple(str(tag) for tag in tags), note, str(entry.get("changed", "")))
    except (AttributeError, TypeError, ConfigError):
        return None
