"""Cells: a table file of any kind as text, each row with the line on which it starts."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kdcore.datasets.rows import (
    Problem,
    decode,
    lines_of,
    read_bytes,
    refusal,
    shown_name,
    suspicious,
    unguarded,
)
from kdcore.pairs import TRUTH_PREFIX

_TRUTH = re.compile(rf"{TRUTH_PREFIX}\d+")
Row = tuple[int, list[str]]  # the line on which it starts, its values in the header's order


@dataclass
class Cells:
    """The header and the rows of a file; rows that make no sense as cells are problems.

    look_close: a NUL or broken text is somewhere in it. numbers: (rows, ...) the truth columns of
    a Parquet file; about: its own metadata.
    """

    file: str
    header: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    unit: str = "line"
    look_close: bool = False
    numbers: pd.DataFrame = field(default_factory=pd.DataFrame)
    about: Mapping[bytes, bytes] = field(default_factory=dict)

    def reject(self, line: int, raw: str, what: str, cure: str) -> None:
        """Note a row that cannot be read."""
        self.problems.append(Problem(self.file, line, what, cure, raw, self.unit))

    def take(self, line: int, values: list[str]) -> None:
        """Note a row when it has as many fields as the header."""
        if len(values) == len(self.header):
            self.rows.append((line, values))
            return
        what = f"{len(values)} fields where the header names {len(self.header)}"
        cure = "put a text that holds a separator in quotes, or drop what is too much"
        self.reject(line, "\t".join(values), what, cure)


def _decoded(path: Path) -> tuple[Cells, str]:
    file = shown_name(path)
    text, notes = decode(read_bytes(path), file)
    return Cells(file, notes=notes, look_close=suspicious([text])), text


def read_csv(path: Path) -> Cells:
    """Comma- or semicolon-separated, double quotes around a field that holds one of those."""
    cells, text = _decoded(path)
    head = text[: text.find("\n") + 1] or text
    delimiter = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    guards = "'" in text
    start = 1
    while True:
        try:
            values = next(reader, None)
        except csv.Error as cause:
            what = f"the quoting is broken ({cause})"
            cure = "close every quote, and double the ones inside a quoted text"
            cells.reject(start, "", what, cure)
            start = reader.line_num + 1
            continue
        if values is None:
            return cells
        if values and not cells.header:
            cells.header = values
        elif values:  # a blank line between rows is no row
            cells.take(start, [unguarded(value) for value in values] if guards else values)
        start = reader.line_num + 1


def read_tsv(path: Path) -> Cells:
    """Tab-separated with a header; quotes are text."""
    cells, text = _decoded(path)
    for number, line in enumerate(lines_of(text), 1):
        if not cells.header:
            cells.header = line.split("\t")
        elif line:
            cells.take(number, line.split("\t"))
    return cells


def read_jsonl(path: Path) -> Cells:
    """One JSON object a line; a key that a line leaves out reads as blank."""
    cells, text = _decoded(path)
    cells.look_close = cells.look_close or "\\u" in text  # JSON can spell a NUL or half a character
    records: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            cells.reject(number, line, "the line is no JSON", "write one object a line")
            continue
        if isinstance(record, dict):
            records.append((number, record))
        else:
            cells.reject(number, line, "the line holds no object", 'write {"query": ...}')
    cells.header = list(dict.fromkeys(key for _, record in records for key in record))
    for number, record in records:
        _take_values(cells, number, (record.get(key) for key in cells.header))
    return cells


def read_parquet(path: Path) -> Cells:
    """A Parquet file; its columns hold texts and numbers."""
    file = shown_name(path)
    try:
        table = pq.read_table(io.BytesIO(read_bytes(path)))
        truth = [c for c in table.column_names if _TRUTH.fullmatch(c)]
        numbers = table.select(truth).to_pandas().astype("float64")
        table = table.drop_columns(truth)
        columns = [_values(column) for column in table.columns]
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as cause:
        what = f"it is no Parquet file, or a damaged one ({str(cause)[:80]!r})"
        cure = "write it again, or export it as CSV"
        raise refusal(f"{file} cannot be read:", [Problem(file, 0, what, cure)]) from cause
    about = table.schema.metadata or {}
    look = suspicious("".join(v for v in values if isinstance(v, str)) for values in columns)
    cells = Cells(file, list(table.column_names), [], [], (), "row", look, numbers, about)
    for number, values in enumerate(zip(*columns, strict=True), 1):
        _take_values(cells, number, values)
    return cells


def _values(column: Any) -> list[Any]:
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:  # Arrow does not check what a file says is UTF-8
        raw = column.cast(pa.large_binary()).to_pylist()
        return [v if v is None else v.decode("utf-8", "surrogateescape") for v in raw]


def _take_values(cells: Cells, line: int, values: Iterable[Any]) -> None:
    """Take a row of Python values; one that is neither text nor number rejects the row."""
    row = [text_of(value) for value in values]
    for name, text in zip(cells.header, row, strict=True):
        if text is None:
            what = f"{shown_name(name)!r} is neither text nor number"
            cells.reject(line, "", what, "write it as text")
            return
    cells.rows.append((line, [text or "" for text in row]))


def text_of(value: Any) -> str | None:
    """A cell as text: nothing and nan are blank, 2.0 is "2", true is "1"; None for lists etc."""
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return ""
    if isinstance(value, (bool, int)):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


READERS: dict[str, Callable[[Path], Cells]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".parquet": read_parquet,
}
