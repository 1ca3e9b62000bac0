"""What runs write as they learn, read once for everybody who watches: metric lines and moments."""

import json
import math
import os
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.metrics.agreement import same_top_grade, truth_error
from kdcore.predictions import Predictions
from kdcore.softlabels import log_soften, soften

Line = dict[str, float | None]
Logits = NDArray[np.float32]

PINNED = 20  # pairs that are shown one by one
TEACHER = "teacher.parquet"
_MOST_LINES = 3000  # in one answer; the rest comes with the next
_DIGITS = 4
_TICK = 10**8  # ns


@dataclass
class Tail:
    """The whole metric lines of a file that grows; what was read is not read again.

    marks[i] is a checksum of the first i + 1 lines: by it a reader's cursor shows whether the
    lines that he knows are still the lines of the file, which a resumed run cuts back.
    """

    path: Path
    lines: list[Line] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    _offset: int = 0
    _end: bytes = b""  # what stood last before the offset
    _seen: tuple[int, int, int] | None = None

    def look(self) -> None:
        """Take in what was appended; begin anew when the file was cut or replaced."""
        try:
            found = os.stat(self.path)
            seen = found.st_ino, found.st_size, found.st_mtime_ns
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
        known = self._known(cursor)
        start = known or 0
        stop = min(start + _MOST_LINES, len(self.lines))
        mark = f".{self.marks[stop - 1]:08x}" if stop else ""
        return {
            "reset": known is None,
            "lines": self.lines[start:stop],
            "next": f"{stop}{mark}",
            "more": stop < len(self.lines),
        }

    def _known(self, cursor: str) -> int | None:
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
            if (line := _parsed(raw)) is not None:
                self.lines.append(line)
                self.marks.append(zlib.crc32(raw, self.marks[-1] if self.marks else 0))
        self._offset += len(whole) + 1
        self._end = (self._end + whole + b"\n")[-64:]

    def _forget(self) -> None:
        self.lines, self.marks, self._offset, self._end, self._seen = [], [], 0, b"", None


def _parsed(raw: bytes) -> Line | None:
    try:
        found = json.loads(raw)
        if not isinstance(found.get("step"), int):
            return None
        return {str(k): _number(v) for k, v in found.items() if not isinstance(v, str)}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _number(value: Any) -> float | None:
    if value is None or not math.isfinite(number := float(value)):
        return None
    return (
        int(value) if isinstance(value, int) else float(f"{number:.7g}") if number < 1e6 else number
    )


@dataclass(frozen=True)
class Moment:
    """What a student said at a step: of the pinned pairs, and measured over the whole probe."""

    step: int
    pinned: list[float]
    kl: float | None
    agreement: float | None
    distance: float | None

    def plain(self) -> dict[str, Any]:
        """As the browser reads it."""
        return {
            "step": self.step,
            "logits": self.pinned,
            "kl": self.kl,
            "agreement": self.agreement,
            "distance": self.distance,
        }


@dataclass
class Film:
    """A run's replay folder: its probe, what the teacher says of it, and the moments so far."""

    folder: Path
    temperatures: tuple[float, float]  # the teacher's and the student's, of the soft loss
    probe: PairTable | None = None
    pins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    teacher: Logits | None = None
    moments: dict[int, Moment] = field(default_factory=dict)
    _seen: int = -1
    _files: dict[str, tuple[int, int]] = field(default_factory=dict)

    def look(self, lent: Logits | None = None) -> None:
        """Take in new moments. lent: the teacher's logits where the run did not keep them."""
        if self.teacher is None and lent is not None:
            self.teacher, self._seen, self._files = lent, -1, {}  # measure every moment anew
        try:
            seen = os.stat(self.folder).st_mtime_ns
            if seen == self._seen:
                return
            with os.scandir(self.folder) as entries:
                stats = {e.name: e.stat() for e in entries if e.name.endswith(".parquet")}
            if self.probe is None and not self._open():
                return
        except OSError:
            return
        self._take({name: (s.st_mtime_ns, s.st_size) for name, s in stats.items()})
        # a folder's clock ticks coarsely: what came in the same tick is looked for again
        self._seen = seen if time.time_ns() - seen > _TICK else -1

    def _open(self) -> bool:
        try:
            self.probe = PairTable.load(self.folder / "probe")
        except (LabError, OSError):
            return False  # not there yet, or not whole
        self.pins = pinned(self.probe.grades)
        return True

    def _take(self, files: Mapping[str, tuple[int, int]]) -> None:
        if TEACHER in files and self._files.get(TEACHER) != files[TEACHER]:
            said = self._said(TEACHER)
            if said is not None:
                self.teacher, self._files = said, {TEACHER: files[TEACHER]}
        steps = {n: int(n[5:-8]) for n in files if n.startswith("step-") and n[5:-8].isdigit()}
        self.moments = {s: m for s, m in self.moments.items() if s in steps.values()}
        for name, step in steps.items():
            if self._files.get(name) != files[name] and (said := self._said(name)) is not None:
                self.moments[step] = self._measured(step, said)
                self._files[name] = files[name]

    def _said(self, name: str) -> Logits | None:
        try:
            logits = Predictions.load(self.folder / name).logits
        except LabError:
            return None
        shape = (len(self.probe), len(self.probe.scheme)) if self.probe is not None else None
        return logits if logits.shape == shape else None

    def _measured(self, step: int, logits: Logits) -> Moment:
        far, same = None, None
        if self.teacher is not None:
            far = _mean_kl(self.teacher, logits, *self.temperatures)
            same = float(same_top_grade(logits, self.teacher).mean())
        rounded = np.round(logits[self.pins].astype(np.float64), 3).ravel().tolist()
        return Moment(step, rounded, _round(far), _round(same), _round(self.distance(logits)))

    def distance(self, logits: Logits | None) -> float | None:
        """Mean |relevance - true relevance| over the probe; None where no truth is known."""
        if self.probe is None or self.probe.truth is None or logits is None:
            return None
        scheme = self.probe.scheme
        found = truth_error(scheme.relevance(self.probe.truth), scheme.relevance(soften(logits)))
        return float(found.mean())

    def since(self, step: int) -> list[dict[str, Any]]:
        """Moments after a step, in order."""
        return [self.moments[s].plain() for s in sorted(self.moments) if s > step]


def pinned(grades: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the pairs that are shown: evenly spread over the probe in the order of its grades.

    They follow from the probe alone, so every tab, and every moment of a run, shows the same.
    """
    order = np.argsort(grades, kind="stable")
    places = np.linspace(0, len(order) - 1, min(PINNED, len(order)))
    return np.asarray(order[np.round(places).astype(np.int64)], np.int64)


def _mean_kl(teacher: Logits, student: Logits, teachers: float, students: float) -> float:
    """Mean KL(teacher || student) in nats, each softened at its own temperature of the loss."""
    log_p, log_q = log_soften(teacher, teachers), log_soften(student, students)
    return float(np.maximum((np.exp(log_p) * (log_p - log_q)).sum(axis=1), 0.0).mean())


def _round(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, _DIGITS)
