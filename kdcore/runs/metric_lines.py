"""metrics.jsonl: what a run writes as it learns, a line of numbers at a time."""

import json
import math
import os
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from kdcore.labels import TASK_PREFIX

METRICS = "metrics.jsonl"
MOST_LINES = 3000  # in one answer of a Tail; the rest comes with the next
_TAIL = 4096  # bytes that hold the last lines

Line = dict[str, float]
PlainLine = dict[str, float | None]  # as JSON has it: None for nan


def parse(raw: bytes) -> Line | None:
    """The numbers of a line, null read as nan; None when the line is damaged."""
    try:
        values = json.loads(raw)
        if not isinstance(values["step"], int) or any(isinstance(v, str) for v in values.values()):
            return None
        return {name: math.nan if v is None else float(v) for name, v in values.items()}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def read_lines(folder: Path) -> list[tuple[bytes, Line]]:
    """Every whole line of a run's folder so far, as bytes and as numbers.

    A line still being written waits for the next look; a damaged one is skipped.
    """
    path = folder / METRICS
    whole, _, _ = path.read_bytes().rpartition(b"\n") if path.exists() else (b"", b"", b"")
    parsed = ((raw, parse(raw)) for raw in whole.split(b"\n"))
    return [(raw, line) for raw, line in parsed if line is not None]


def latest_numbers(folder: Path) -> Line:
    """The newest value of each number among the last lines, for a progress bar."""
    numbers: Line = {}
    with suppress(OSError), (folder / METRICS).open("rb") as file:
        file.seek(0, os.SEEK_END)
        start = max(file.tell() - _TAIL, 0)
        file.seek(start)
        # the first line may be cut, the last one still be written
        for raw in file.read().split(b"\n")[1 if start else 0 : -1]:
            line = parse(raw) or {}
            numbers |= {name: value for name, value in line.items() if math.isfinite(value)}
    return numbers | ({"step": int(numbers["step"])} if numbers else {})


def is_validation(line: Mapping[str, Any]) -> bool:
    """Whether a line holds a validation: of grades, or of a pretraining's hidden words."""
    return "validation_nll" in line or "validation_loss" in line


def saved_validation(lines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The validation of the step whose model a run saved; empty where no line says so."""
    validations = [line for line in lines if is_validation(line)]
    steps = (line["kept_step"] for line in reversed(validations) if "kept_step" in line)
    saved = next(steps, None)
    return next((line for line in validations if line["step"] == saved), {})


def task_curves(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the losses of other tasks than relevance, such as task_click."""
    last: Mapping[str, Any] = next((line for line in reversed(lines) if "loss" in line), {})
    return [name for name in last if name.startswith(TASK_PREFIX)]


@dataclass
class Tail:
    """The whole metric lines of a file that grows; what was read is not read again.

    marks[i] is a checksum of the first i + 1 lines: by it a reader's cursor shows whether the
    lines that it knows are still the lines of the file, which a resumed run cuts back.
    """

    path: Path
    lines: list[PlainLine] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    _offset: int = 0
    _end: bytes = b""  # the last bytes before the offset
    _seen: tuple[int, int, int] | None = None

    def look(self) -> None:
        """Read what was appended; start over when the file was cut or replaced."""
        try:
            stat = os.stat(self.path)
            seen = stat.st_ino, stat.st_size, stat.st_mtime_ns
            if seen == self._seen:
                return
            with self.path.open("rb") as file:
                if not self._goes_on(file):
                    self._forget()
                self._read(file)
        except OSError:  # not there yet, or just being replaced
            self._forget()
            return
        self._seen = seen

    def since(self, cursor: str) -> dict[str, Any]:
        """Lines after a cursor ("12.9f3c01aa", or "12"), the next cursor, and whether to reset."""
        read = self._lines_before(cursor)
        start = read or 0
        stop = min(start + MOST_LINES, len(self.lines))
        mark = f".{self.marks[stop - 1]:08x}" if stop else ""
        return {
            "reset": read is None,
            "lines": self.lines[start:stop],
            "next": f"{stop}{mark}",
            "more": stop < len(self.lines),
        }

    def _lines_before(self, cursor: str) -> int | None:
        """How many lines a reader has; None when they are not the lines of this file any more."""
        count, _, mark = cursor.partition(".")
        if not count.isascii() or not count.isdigit() or len(count) > 9:
            return None
        lines = int(count)
        if lines > len(self.lines):
            return None
        if lines and mark and mark != f"{self.marks[lines - 1]:08x}":
            return None
        return lines

    def _goes_on(self, file: BinaryIO) -> bool:
        file.seek(self._offset - len(self._end))
        return file.read(len(self._end)) == self._end

    def _read(self, file: BinaryIO) -> None:
        file.seek(self._offset)
        whole, newline, _ = file.read().rpartition(b"\n")  # a line half written waits
        if not newline:
            return
        for raw in whole.split(b"\n"):
            if (line := parse(raw)) is not None:
                self.lines.append(_plain(line))
                self.marks.append(zlib.crc32(raw, self.marks[-1] if self.marks else 0))
        self._offset += len(whole) + 1
        self._end = (self._end + whole + b"\n")[-64:]

    def _forget(self) -> None:
        self.lines, self.marks, self._offset, self._end, self._seen = [], [], 0, b"", None


def _plain(line: Line) -> PlainLine:
    """A line for a browser: seven digits are enough for a curve, and nan has no JSON."""
    plain: PlainLine = {
        name: (float(f"{value:.7g}") if value < 1e6 else value) if math.isfinite(value) else None
        for name, value in line.items()
    }
    return plain | {"step": int(line["step"])}
