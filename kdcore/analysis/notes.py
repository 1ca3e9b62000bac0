"""Store a person's notes on pairs, keyed by the pairs' texts so that they outlive runs.

One JSON-lines file per content hash of a data set. A write takes a lock, reads, changes one note
and replaces the whole file, so that two windows at once lose nothing.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from kdcore.errors import ConfigError, RunError
from kdcore.evaluation.exports import safe_cell
from kdcore.workspace import check_name, write_text_atomic

# what a person can decide about a pair; "" is undecided
STATUSES: Mapping[str, str] = {
    "": "undecided",
    "label_wrong": "label wrong",
    "model_wrong": "model wrong",
    "unclear": "unclear",
    "fine": "fine",
}
LONGEST = 2000  # characters of a note
PATIENCE = 10.0  # seconds to wait for another window's write
HEADER = ("query", "title", "description", "grade", "status", "note", "changed")


@dataclass(frozen=True)
class Note:
    """A status and a free text about one pair; changed: when, ISO 8601 in UTC."""

    query: str
    title: str
    description: str
    status: str = ""
    text: str = ""
    grade: str = ""
    changed: str = ""

    def __post_init__(self) -> None:
        problems = []
        if self.status not in STATUSES:
            problems.append(
                f"status: {self.status!r} is not one of {', '.join(filter(None, STATUSES))}"
            )
        if len(self.text) > LONGEST:
            problems.append(f"text: {len(self.text)} characters; {LONGEST} at most")
        if problems:
            raise ConfigError("This note cannot be saved:", problems)

    @property
    def key(self) -> str:
        """The pair's key."""
        return pair_key(self.query, self.title, self.description)

    @property
    def empty(self) -> bool:
        """Whether it is empty, so that saving it deletes the note."""
        return not self.status and not self.text.strip()


def pair_key(query: str, title: str, description: str) -> str:
    """Hash a pair's texts to 16 hex digits: the same pair in another file keeps its note."""
    content = json.dumps([query, title, description]).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def with_note(notes: Mapping[str, Note], note: Note) -> dict[str, Note]:
    """Return the notes with one more, or without it when it is empty."""
    others = {key: other for key, other in notes.items() if key != note.key}
    return others if note.empty else others | {note.key: note}


def stamped(note: Note) -> Note:
    """Return the note with the present time."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Note(**(asdict(note) | {"changed": now}))


@dataclass(frozen=True)
class Notebook:
    """The notes on one data set, in a folder: <folder>/<data hash>.jsonl."""

    folder: Path
    data_hash: str

    @property
    def path(self) -> Path:
        """The file; it may not exist yet."""
        return self.folder / f"{check_name(self.data_hash, 'data hash')}.jsonl"

    def read(self) -> dict[str, Note]:
        """Read all notes by their pair's key, in the order in which they were first written."""
        return _read(self.path)[0]

    def keep(self, note: Note) -> dict[str, Note]:
        """Write one note (an empty one is deleted) and return all notes.

        RunError when another window holds the file for too long.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(f"{self.path}.lock", timeout=PATIENCE):
                notes, unreadable = _read(self.path)
                notes = with_note(notes, stamped(note))
                lines = [json.dumps(asdict(n), ensure_ascii=False) for n in notes.values()]
                write_text_atomic(self.path, "".join(f"{line}\n" for line in lines + unreadable))
        except Timeout as cause:
            raise RunError(
                f"the notes are being written elsewhere for over {PATIENCE:.0f} s; try again"
            ) from cause
        return notes


def _read(path: Path) -> tuple[dict[str, Note], list[str]]:
    """Return notes by key, and the lines that are no notes: they stay in the file."""
    notes: dict[str, Note] = {}
    unreadable: list[str] = []
    if not path.exists():
        return notes, unreadable
    text = path.read_text(encoding="utf-8", errors="backslashreplace")
    for line in filter(str.strip, text.split("\n")):
        try:
            note = Note(**{str(k): str(v) for k, v in json.loads(line).items()})
            notes[note.key] = note
        except (ValueError, TypeError, AttributeError, ConfigError):
            unreadable.append(line)
    return notes, unreadable


def to_csv(notes: Iterable[Note]) -> str:
    """Write one row per note, for a new labelling; no cell is a formula to a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for note in notes:
        cells = asdict(note) | {"note": note.text}
        writer.writerow([safe_cell(cells[name]) for name in HEADER])
    return text.getvalue()
