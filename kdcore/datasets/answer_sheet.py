"""The table of a file of answers: a header and rows of texts, lists pulled apart into columns.

CSV, TSV, JSON lines or Parquet. A CSV or TSV that holds nothing but numbers needs no header. What
a text-classification pipeline returns with all its scores, [{"label": ..., "score": ...}, ...],
becomes one column for each label.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kdcore.datasets.cells import READERS, text_of
from kdcore.datasets.rows import Problem, decode, quoted, read_bytes, refusal, shown_name
from kdcore.errors import DataError

ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet")
_MOST = 64  # items of a list that become columns
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_BLANK = {"", "nan", "null", "none", "na", "n/a", "<na>"}


@dataclass
class Sheet:
    """Texts of a file under its header, and what is wrong with single rows.

    rows: (the line on which it starts, its cells in the header's order).
    """

    file: str
    header: list[str]
    rows: list[tuple[int, list[str]]]
    problems: list[Problem] = field(default_factory=list)
    unit: str = "line"
    notes: tuple[str, ...] = ()

    @property
    def plain(self) -> list[str]:
        """The column names without outer blanks, in small letters."""
        return [name.strip().casefold() for name in self.header]

    def column(self, place: int) -> list[str]:
        """The cells of one column."""
        return [row[place] for _, row in self.rows]

    def refused(self, what: str, cure: str) -> DataError:
        """The error that says why the whole file cannot be read."""
        return refusal(f"{self.file} cannot be read:", [Problem(self.file, 0, what, cure)])


def read_sheet(path: Path, file: str = "") -> Sheet:
    """Read a file of answers as texts.

    file: what the file is called in errors and notes; by default its own name.
    Raises DataError when the file as a whole cannot be read or has no row.
    """
    file = file or shown_name(path)
    sheet = _sheet(path, file)
    if not sheet.rows and not sheet.problems:
        raise sheet.refused("it holds no row", "bring a file with a row for each pair")
    return sheet


def _sheet(path: Path, file: str) -> Sheet:
    ending = path.suffix.lower()
    if ending == ".parquet":
        return _parquet(path, file)
    if ending in (".jsonl", ".ndjson"):
        return _json_lines(path, file)
    if ending not in ENDINGS:
        what = (
            f"files ending in {shown_name(ending)!r} are unknown" if ending else "it has no ending"
        )
        raise Sheet(file, [], []).refused(what, f"use one of {', '.join(ENDINGS)}")
    cells = READERS[".csv" if ending == ".csv" else ".tsv"](path)
    sheet = Sheet(file, cells.header, cells.rows, cells.problems, notes=cells.notes)
    numbered = sheet.header == [str(k) for k in range(len(sheet.header))] and len(sheet.header) > 1
    if sheet.header and not numbered and all(number(cell) is not None for cell in sheet.header):
        sheet.rows.insert(0, (1, sheet.header))  # no header at all: numbers from the first line on
        width = len(sheet.header)
        sheet.header = ["score"] if width == 1 else [f"logit_{k}" for k in range(width)]
    return sheet


def _json_lines(path: Path, file: str) -> Sheet:
    text, _ = decode(read_bytes(path), file)
    sheet = Sheet(file, [], [])
    records: list[tuple[int, dict[str, Any]]] = []
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            try:
                record = json.loads(content)
            except (ValueError, RecursionError):
                record = None
            if isinstance(record, dict):
                records.append((line, _apart(record)))
            else:
                cure = 'write {"query": ..., "title": ..., "logits": [...]}'
                sheet.problems.append(Problem(file, line, "the line is no JSON object", cure))
    _take_records(sheet, records)
    return sheet


def _parquet(path: Path, file: str) -> Sheet:
    sheet = Sheet(file, [], [], unit="row")
    try:
        table = pq.read_table(pa.BufferReader(read_bytes(path)))
        records = [_apart(record) for record in table.to_pylist()]
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as cause:
        what = f"it is no Parquet file, or a damaged one ({str(cause)[:80]!r})"
        raise sheet.refused(what, "write it again, or bring CSV") from cause
    _take_records(sheet, list(enumerate(records, 1)))
    return sheet


def _take_records(sheet: Sheet, records: list[tuple[int, dict[str, Any]]]) -> None:
    sheet.header = list(dict.fromkeys(name for _, record in records for name in record))
    sheet.rows = [
        (line, [text_of(record.get(name)) or "" for name in sheet.header])
        for line, record in records
    ]


def _apart(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its lists as numbered columns, and scored labels as one column a label."""
    out: dict[str, Any] = {}
    for name, value in record.items():
        if not isinstance(value, (list, tuple)):
            out[str(name)] = value
        elif value and all(isinstance(v, dict) and {"label", "score"} <= v.keys() for v in value):
            out.update({str(v["label"]): v["score"] for v in value[:_MOST]})
        else:
            out.update({f"{name}_{k}": part for k, part in enumerate(value[:_MOST])})
    return out


def number(text: str) -> float | None:
    """The finite number that a cell holds, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def looks_numeric(text: str) -> bool:
    """Whether a cell is meant as a number: one with a decimal comma, infinite or missing too."""
    plain = text.strip()
    if plain.casefold() in _BLANK or _DECIMAL_COMMA.fullmatch(plain):
        return True
    try:
        float(plain)
    except ValueError:
        return False
    return True


def is_blank(text: str) -> bool:
    """Whether a cell says that there is no answer: empty, NaN, null."""
    return text.strip().casefold() in _BLANK


def why_no_number(text: str) -> tuple[str, str]:
    """(what is wrong with a cell that should be a number, what to do)."""
    plain = text.strip()
    if _DECIMAL_COMMA.fullmatch(plain):
        return f"{plain} has a decimal comma", f"write {plain.replace(',', '.')}"
    if not plain:
        return "it is empty", "give every pair a number"
    if is_blank(plain):
        return f"{quoted(plain)} stands for a missing number", "give every pair a number"
    if number(plain) is None and looks_numeric(plain):
        return f"{quoted(plain)} is infinite", "give every pair a finite number"
    return f"{quoted(text)} is no number", "give every pair a number"
