"""Check the rows of a file: keep good ones, and report bad ones with file, line and cure."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from kdcore.data.files.content import has_surrogate
from kdcore.data.files.label_texts import cure_of_label, is_whole_number, label_lookup
from kdcore.data.files.problems import Problem, quoted, refusal
from kdcore.data.pairs import PAIR_ID, UNLABELLED, PairTable, make_frame, nfc
from kdcore.data.sources.columns import ColumnsRead
from kdcore.errors import DataError
from kdcore.labels import LabelScheme

LONGEST = 1_000_000  # letters of a text; a longer one is an open quote or a dump, not an ad
WITHDRAWN = "ERROR_AdRejected"  # how QADSM marks an ad that its server took back


@dataclass(frozen=True)
class Reading:
    """The rows of one or more files: good ones, problems, and how many rows there were.

    notes stay with the data; hints say how the file could be read otherwise. columns: which column
    was read as what, None for files whose columns are fixed (XGLUE's).
    """

    frame: pd.DataFrame
    scheme: LabelScheme
    problems: tuple[Problem, ...] = ()
    rows: int = 0  # good and bad ones
    withdrawn: int = 0  # left out: they start with ERROR_AdRejected
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    columns: ColumnsRead | None = None
    source: str = ""  # a sentence on where the rows came from
    non_commercial: bool = False  # by the terms of the source

    @property
    def counts(self) -> dict[str, int]:
        """Count rows: all = kept + rejected + withdrawn (problems of a whole file are not rows)."""
        rejected = self.rows - self.withdrawn - len(self.frame)
        return {
            "rows": self.rows,
            "kept": len(self.frame),
            "rejected": rejected,
            "withdrawn": self.withdrawn,
        }

    def table(self, name: str, *, skip_bad: bool = False) -> PairTable:
        """Make a PairTable of the good rows; DataError when there is a problem, or no good row."""
        if self.problems and (not skip_bad or not len(self.frame)):
            good = f"{len(self.frame):,} good rows of {self.rows:,}"
            count = f"{len(self.problems):,} problems, {good}"
            raise refusal(f"{name} cannot be read ({count}):", self.problems)
        if not len(self.frame):
            why = f"all {self.withdrawn} start with {WITHDRAWN}" if self.withdrawn else "no rows"
            raise DataError(f"{name} holds nothing to learn from: {why}; choose another source")
        notes = list(self.notes)
        if self.withdrawn:
            notes.append(f"{self.withdrawn:,} rows marked {WITHDRAWN} were left out")
        if self.problems:
            notes.append(f"{self.counts['rejected']:,} bad rows were left out")
        terms = self.non_commercial
        return PairTable(self.frame, self.scheme, name, self.source, tuple(notes), terms)


def names_each_pair(ids: Sequence[str]) -> bool:
    """Return whether a column names every pair, and none like another."""
    plain = [text.strip() for text in ids]
    return all(plain) and len(set(plain)) == len(plain)


def join(readings: Sequence[Reading]) -> Reading:
    """Join the readings of several files (one or more) in order; they share a scheme."""
    full = [r.frame for r in readings if len(r.frame)] or [readings[0].frame]
    frame = pd.concat(full, ignore_index=True)
    if PAIR_ID in frame and not names_each_pair(frame[PAIR_ID].fillna("").tolist()):
        frame = frame.drop(columns=PAIR_ID)
    return Reading(
        frame,
        readings[0].scheme,
        tuple(problem for r in readings for problem in r.problems),
        sum(r.rows for r in readings),
        sum(r.withdrawn for r in readings),
        tuple(note for r in readings for note in r.notes),
        tuple(hint for r in readings for hint in r.hints),
        readings[0].columns,
    )


_TEXTS = ("query", "title", "description", "label")


def _too_long(texts: Sequence[str]) -> tuple[str, str]:
    name, text = max(zip(_TEXTS, texts, strict=True), key=lambda pair: len(pair[1]))
    what = f"the {name} has {len(text):,} letters, {LONGEST:,} at most"
    return what, "shorten it, or close the quote that was left open"


@dataclass
class Collector:
    """Collects the good rows of one file one by one, and the problems of the others.

    suspicious: the file holds a NUL or broken text somewhere (see `content.suspicious`).
    blank_label: the grade of a row without a label; None makes it a problem.
    """

    file: str
    scheme: LabelScheme
    suspicious: bool
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

    def reject(self, line: int, raw: str, what: str, cure: str, cause: str = "") -> None:
        """Count a row as bad; cause: see Problem."""
        self.rows += 1
        self.problems.append(Problem(self.file, line, what, cure, raw, self.unit, cause))

    def add(
        self, line: int, raw: Callable[[], str], texts: Sequence[str], language: str, split: str
    ) -> bool:
        """Add a row and return whether it is good.

        Its texts are stored in Unicode's form NFC, so that texts that read equal are equal.

        raw: returns the row as its file has it. texts: query, title, description, label.
        """
        query, title, description, label = texts
        grade = self._labels.get(label)
        if grade is None:
            grade = self._labels.get(label.strip().casefold())
        if title.startswith(WITHDRAWN) or description.startswith(WITHDRAWN):
            self.rows += 1
            self.withdrawn += 1
            return False
        fault = self._fault(texts, grade) if self.suspicious or grade is None else None
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
            if has_surrogate(text):
                return f"the {name} holds bytes that are not UTF-8", "save the file as UTF-8"
            if "\0" in text:
                return f"the {name} holds a NUL character", "delete the character"
        if grade is None:
            names = ", ".join(self.scheme.grades)
            what = f"the label {quoted(texts[3])} is unknown"
            if self.rows == 0 and texts[0].strip().casefold() in ("query", "search_query"):
                return what, "this looks like a header: delete the line"
            if not any(map(is_whole_number, self.scheme.grades)):
                names += f", or 0 to {len(self.scheme) - 1}"
            return what, cure_of_label(texts[3], f"use one of {names}")
        return None

    def reading(self, notes: Sequence[str] = ()) -> Reading:
        """Return the rows and problems so far."""
        rows = self._good
        if self.composed:
            texts = "text was" if self.composed == 1 else "texts were"
            notes = (*notes, f"{self.composed:,} {texts} converted to Unicode's form NFC")
        columns: list[Any] = [[row[place] for row in rows] for place in range(6)]
        frame = make_frame(*columns)
        return Reading(
            frame, self.scheme, tuple(self.problems), self.rows, self.withdrawn, tuple(notes)
        )
