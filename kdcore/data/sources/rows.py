"""Rows of a file: what makes one good, and what is told about a bad one (file, line, cure)."""

import codecs
import operator
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from kdcore.data.files.label_texts import cure_of_label, is_whole_number, label_lookup
from kdcore.data.files.problems import Problem, refusal
from kdcore.data.pairs import UNLABELLED, PairTable, make_frame, nfc
from kdcore.errors import DataError
from kdcore.labels import LabelScheme

if TYPE_CHECKING:
    from kdcore.data.sources.columns import ColumnsRead

MOST_BYTES = 2 << 30  # of a file of text, packed or not; Parquet is read by column instead
LONGEST = 1_000_000  # letters of a text; a longer one is an open quote or a dump, not an ad
WITHDRAWN = "ERROR_AdRejected"  # how QADSM marks an ad that its server took back
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Reading:
    """What one or more files gave: good rows, problems, and how many rows were seen.

    notes travel with the data; hints say how the file could be read otherwise. columns: what was
    taken for what, None for files whose columns are fixed (XGLUE's).
    """

    frame: pd.DataFrame
    scheme: LabelScheme
    problems: tuple[Problem, ...] = ()
    rows: int = 0  # read, good or bad
    withdrawn: int = 0  # left out: they start with ERROR_AdRejected
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    columns: "ColumnsRead | None" = None

    @property
    def counts(self) -> dict[str, int]:
        """rows read = kept + rejected + withdrawn (a problem of a whole file is no row)."""
        rejected = self.rows - self.withdrawn - len(self.frame)
        return {
            "rows": self.rows,
            "kept": len(self.frame),
            "rejected": rejected,
            "withdrawn": self.withdrawn,
        }

    def table(self, name: str, source: str, *, skip_bad: bool = False) -> PairTable:
        """The good rows as a PairTable; DataError when there is a problem, or nothing at all."""
        if self.problems and (not skip_bad or not len(self.frame)):
            raise refusal(f"{name} cannot be read ({self._summary()}):", self.problems)
        if not len(self.frame):
            left = f"all {self.withdrawn} start with {WITHDRAWN}" if self.withdrawn else "no rows"
            raise DataError(f"{name} holds nothing to learn from: {left}; choose another source")
        notes = list(self.notes)
        if self.withdrawn:
            notes.append(f"{self.withdrawn:,} rows marked {WITHDRAWN} were left out")
        if self.problems:
            notes.append(f"{self.counts['rejected']:,} bad rows were left out")
        return PairTable(self.frame, self.scheme, name, source, tuple(notes))

    def _summary(self) -> str:
        return f"{len(self.problems):,} problems, {len(self.frame):,} good rows of {self.rows:,}"


def join(readings: Sequence[Reading]) -> Reading:
    """Several files (at least one) as one reading, in the order given; they share a scheme."""
    full = [r.frame for r in readings if len(r.frame)] or [readings[0].frame]
    return Reading(
        pd.concat(full, ignore_index=True),
        readings[0].scheme,
        tuple(problem for r in readings for problem in r.problems),
        sum(r.rows for r in readings),
        sum(r.withdrawn for r in readings),
        tuple(note for r in readings for note in r.notes),
        tuple(hint for r in readings for hint in r.hints),
        readings[0].columns,
    )


def quoted(value: object) -> str:
    """A value as it may stand in an error: printable, at most 40 characters."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def shown_name(path: Path | str) -> str:
    """A file's own name, printable whatever bytes it was made of."""
    return (Path(path).name or str(path)).encode("utf-8", "backslashreplace").decode()


def check_regular(path: Path, file: str = "") -> None:
    """DataError unless it is a file on disk: a pipe or a device never ends."""
    file = file or shown_name(path)
    cure = "name a file that exists and that you may read"
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", None) or str(cause)
        raise refusal(f"{file} cannot be read:", [Problem(file, 0, reason, cure)]) from cause
    if not stat.S_ISREG(mode):
        what = "it is a folder" if stat.S_ISDIR(mode) else "it is a pipe or a device"
        raise refusal(f"{file} cannot be read:", [Problem(file, 0, what, "name a file on disk")])


def too_large(file: str) -> DataError:
    """The error of a file of more than MOST_BYTES."""
    what = f"it holds more than {MOST_BYTES >> 30} GiB of text"
    cure = "split it, or write the columns that are needed as Parquet"
    return refusal(f"{file} cannot be read:", [Problem(file, 0, what, cure)])


def read_bytes(path: Path) -> bytes:
    """The bytes of a file on disk; DataError when it is none, is locked or is gone."""
    check_regular(path)
    file = shown_name(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise too_large(file)
        return path.read_bytes()
    except OSError as cause:
        reason, cure = cause.strerror or str(cause), "name a file that you may read"
        raise refusal(f"{file} cannot be read:", [Problem(file, 0, reason, cure)]) from cause


def decode(data: bytes, file: str) -> tuple[str, tuple[str, ...]]:
    """(text, notes). A byte that is no UTF-8 becomes a lone surrogate, so its row can be named."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        what = "the text is UTF-16"
        raise refusal(
            f"{file} cannot be read:", [Problem(file, 1, what, "save it as UTF-8 and try again")]
        )
    text = data.decode("utf-8", "surrogateescape")
    if text.startswith("\ufeff"):
        return text[1:], (f"a byte order mark at the start of {file} was taken off",)
    return text, ()


def lines_of(text: str) -> list[str]:
    """Lines without their \\n or \\r\\n; other characters that look like line ends stay text."""
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def suspicious(texts: Iterable[str]) -> bool:
    """Whether any text holds a NUL or a lone surrogate, so that every row must be looked at."""
    return any("\0" in text or _SURROGATE.search(text) for text in texts)


_TEXTS = ("query", "title", "description", "label")


def _too_long(texts: Sequence[str]) -> tuple[str, str]:
    name, text = max(zip(_TEXTS, texts, strict=True), key=lambda pair: len(pair[1]))
    what = f"the {name} has {len(text):,} letters, {LONGEST:,} at most"
    return what, "shorten it, or close the quote that was left open"


@dataclass
class Collector:
    """Takes the rows of one file one by one, keeps the good and names what is wrong with others.

    look_close: the file holds a NUL or broken text somewhere (see `suspicious`).
    blank_label: the grade of a row without a label; None makes it a problem.
    """

    file: str
    scheme: LabelScheme
    look_close: bool
    blank_label: int | None = None
    unit: str = "line"
    rows: int = 0
    withdrawn: int = 0
    composed: int = 0  # texts that were written in another Unicode form than NFC
    problems: list[Problem] = field(default_factory=list)
    _good: list[tuple[str, str, str, int, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._labels = label_lookup(self.scheme)
        if self.blank_label is not None:
            self._labels.setdefault("", self.blank_label)
            self._labels.setdefault(str(UNLABELLED), self.blank_label)

    def reject(self, line: int, raw: str, what: str, cure: str) -> None:
        """Count a row as bad."""
        self.rows += 1
        self.problems.append(Problem(self.file, line, what, cure, raw, self.unit))

    def add(
        self, line: int, raw: Callable[[], str], texts: Sequence[str], language: str, split: str
    ) -> bool:
        """Take a row: raw is it as its file has it, texts its query, title, description, label.

        Whether it is good. Its texts are kept in Unicode's form NFC: equal texts are then equal.
        """
        query, title, description, label = texts
        grade = self._labels.get(label)
        if grade is None:
            grade = self._labels.get(label.strip().casefold())
        if title.startswith(WITHDRAWN) or description.startswith(WITHDRAWN):
            self.rows += 1
            self.withdrawn += 1
            return False
        fault = self._fault(texts, grade) if self.look_close or grade is None else None
        if fault is None and (not query or query.isspace()):
            fault = ("the query is empty", "fill it in or delete the line")
        if fault is None and not (title.strip() or description.strip()):
            fault = ("title and description are both empty", "fill one in or delete the line")
        if fault is None and max(map(len, texts)) > LONGEST:
            fault = _too_long(texts)
        if fault is not None or grade is None:
            self.reject(line, raw(), *(fault or ("", "")))
            return False
        self.rows += 1
        composed = nfc(query), nfc(title), nfc(description)
        self.composed += sum(map(operator.ne, composed, texts))
        self._good.append((*composed, grade, split, language))
        return True

    def _fault(self, texts: Sequence[str], grade: int | None) -> tuple[str, str] | None:
        for name, text in zip(_TEXTS, texts, strict=True):
            if _SURROGATE.search(text):
                return f"the {name} holds bytes that are no UTF-8", "save the file as UTF-8"
            if "\0" in text:
                return f"the {name} holds a NUL character", "delete the character"
        if grade is None:
            names = ", ".join(self.scheme.grades)
            what = f"the label {quoted(texts[3])} is unknown"
            if self.rows == 0 and texts[0].strip().casefold() in ("query", "search_query"):
                return what, "this looks like a header: delete the line"
            numbers = (
                ""
                if any(map(is_whole_number, self.scheme.grades))
                else (f", or 0 to {len(self.scheme) - 1}")
            )
            return what, cure_of_label(texts[3], f"use one of {names}{numbers}")
        return None

    def reading(self, notes: Sequence[str] = ()) -> Reading:
        """Everything taken so far."""
        rows = self._good
        if self.composed:
            texts = "text was" if self.composed == 1 else "texts were"
            notes = (*notes, f"{self.composed:,} {texts} converted to Unicode's form NFC")
        frame = make_frame(
            query=[row[0] for row in rows],
            title=[row[1] for row in rows],
            description=[row[2] for row in rows],
            grade=[row[3] for row in rows],
            split=[row[4] for row in rows],
            language=[row[5] for row in rows],
        )
        return Reading(
            frame, self.scheme, tuple(self.problems), self.rows, self.withdrawn, tuple(notes)
        )
