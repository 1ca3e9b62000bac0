"""Answers: a file of what some model said about pairs, read as keys and numbers, not yet aligned.

CSV, TSV, JSON lines or Parquet. Beside the keys (query, title, description), if there are any,
stand logits (`logit_0`, `logit_1`, ... or a list `logits`), probabilities (`prob_0`, ... or a list
`probabilities`), or one number. A CSV or TSV that holds nothing but numbers needs no header.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kdcore.datasets.cells import READERS, text_of
from kdcore.datasets.rows import Problem, decode, quoted, read_bytes, refusal, shown_name
from kdcore.datasets.table import NAMES
from kdcore.errors import DataError
from kdcore.pairs import TEXT_COLUMNS

FAMILIES = {
    "logits": ("logit", "logits"),
    "probabilities": ("prob", "probs", "p", "probability", "probabilities"),
}
ONE_NUMBER = {
    "relevance": ("relevance", "p_relevant", "probability", "prob", "p", "proba"),
    "logit": ("logit", "margin"),
    "score": ("score", "prediction", "pred", "similarity", "cosine"),
}
ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet")
_MOST = 64  # grades that a list of a file is looked through for


@dataclass(frozen=True)
class Answers:
    """Rows of such a file.

    kind: logits, probabilities, relevance, logit or score. values: (rows, width), width 1 for the
    last three. keys: our column -> the texts, of those columns that the file has.
    lines: (rows,) where each stands.
    """

    file: str
    kind: str
    values: NDArray[np.float64]
    keys: Mapping[str, list[str]] = field(default_factory=dict)
    lines: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.values)

    def problem(self, row: int, what: str, cure: str) -> Problem:
        """A problem of one row, told by its line."""
        return Problem(self.file, int(self.lines[row]), what, cure, unit=self.unit)


@dataclass
class _Sheet:
    """Texts of a file under its header, as cells or as lists pulled apart."""

    file: str
    header: list[str]
    rows: list[tuple[int, list[str]]]
    problems: list[Problem]
    unit: str = "line"


def read_answers(path: Path, classes: int, kind: str = "auto", column: str = "") -> Answers:
    """The answers of one file; DataError tells every bad row at once.

    kind: "auto" goes by the names of the columns; a lone number in 0..1 is a relevance, any other
    a score. column: the one to read when the file holds several numbers.
    """
    sheet = _sheet(path, classes)
    if not sheet.rows and not sheet.problems:
        raise _whole(sheet.file, "it holds no row", "bring a file with a row for each pair")
    wanted, places = _columns(sheet, classes, kind, column)
    values, problems = _numbers(sheet, places)
    if problems or sheet.problems:
        every = sorted([*sheet.problems, *problems], key=lambda problem: problem.line)
        raise refusal(f"{sheet.file} cannot be read ({len(every):,} problems):", every)
    if kind == "auto" and wanted in ("score", "relevance"):
        inside = bool((values >= 0).all() and (values <= 1).all())
        wanted = "relevance" if inside else "score"
    lines = np.array([line for line, _ in sheet.rows], dtype=np.int64)
    return Answers(sheet.file, wanted, values, _keys(sheet, places), lines, sheet.unit)


def _whole(file: str, what: str, cure: str) -> DataError:
    return refusal(f"{file} cannot be read:", [Problem(file, 0, what, cure)])


def _sheet(path: Path, classes: int) -> _Sheet:
    ending, file = path.suffix.lower(), shown_name(path)
    if ending == ".parquet":
        return _parquet(path, file)
    if ending in (".jsonl", ".ndjson"):
        return _json_lines(path, file)
    if ending not in ENDINGS:
        what = (
            f"files ending in {shown_name(ending)!r} are unknown" if ending else "it has no ending"
        )
        raise _whole(file, what, f"use one of {', '.join(ENDINGS)}")
    cells = READERS[".csv" if ending == ".csv" else ".tsv"](path)
    sheet = _Sheet(file, cells.header, cells.rows, cells.problems)
    if sheet.header and all(_number(cell) is not None for cell in sheet.header):
        sheet.rows.insert(0, (1, sheet.header))  # no header at all: numbers from the first line on
        width = len(sheet.header)
        sheet.header = ["score"] if width == 1 else [f"logit_{k}" for k in range(width)]
    return sheet


def _json_lines(path: Path, file: str) -> _Sheet:
    text, _ = decode(read_bytes(path), file)
    sheet = _Sheet(file, [], [], [])
    records: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            if isinstance(record, dict):
                records.append((number, _apart(record)))
            else:
                cure = 'write {"query": ..., "title": ..., "logits": [...]}'
                sheet.problems.append(Problem(file, number, "the line is no JSON object", cure))
    sheet.header = list(dict.fromkeys(name for _, record in records for name in record))
    sheet.rows = [
        (number, [text_of(record.get(name)) or "" for name in sheet.header])
        for number, record in records
    ]
    return sheet


def _parquet(path: Path, file: str) -> _Sheet:
    try:
        table = pq.read_table(pa.BufferReader(read_bytes(path)))
        records = [_apart(record) for record in table.to_pylist()]
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as cause:
        what = f"it is no Parquet file, or a damaged one ({str(cause)[:80]!r})"
        raise _whole(file, what, "write it again, or bring CSV") from cause
    header = list(dict.fromkeys(name for record in records for name in record))
    rows = [
        (number, [text_of(record.get(name)) or "" for name in header])
        for number, record in enumerate(records, 1)
    ]
    return _Sheet(file, header, rows, [], "row")


def _apart(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its lists as numbered columns."""
    out: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, (list, tuple)):
            out.update({f"{name}_{k}": part for k, part in enumerate(value[:_MOST])})
        else:
            out[str(name)] = value
    return out


def _columns(sheet: _Sheet, classes: int, kind: str, column: str) -> tuple[str, list[int]]:
    """The kind, and where its numbers stand."""
    plain = [name.strip().casefold() for name in sheet.header]
    has = ", ".join(map(quoted, sheet.header[:12])) or "none"
    if column:
        if column not in sheet.header:
            raise _whole(
                sheet.file, f"no column is called {quoted(column)}; it has {has}", "name one"
            )
        return ("score" if kind == "auto" else kind), [sheet.header.index(column)]
    for family, names in FAMILIES.items():
        if kind in ("auto", family):
            found = _numbered(plain, names)
            if found:
                _check_width(sheet.file, family, found, classes)
                return family, [found[k] for k in range(classes)]
    if kind in FAMILIES:
        what = f"no columns {names_of(kind, classes)}; it has {has}"
        raise _whole(sheet.file, what, "name them so, or choose another kind")
    return _one_number(sheet, plain, kind, has)


def names_of(kind: str, classes: int) -> str:
    """How the columns of a family are called: logit_0 .. logit_3."""
    stem = FAMILIES[kind][0]
    return f"{stem}_0 .. {stem}_{classes - 1}"


def _numbered(plain: Sequence[str], names: Iterable[str]) -> dict[int, int]:
    pattern = re.compile(rf"(?:{'|'.join(names)})[_ .-]?(\d{{1,3}})")
    matches = ((pattern.fullmatch(name), place) for place, name in enumerate(plain))
    return {int(match[1]): place for match, place in matches if match}


def _check_width(file: str, family: str, found: Mapping[int, int], classes: int) -> None:
    if sorted(found) != list(range(classes)):
        held = ", ".join(map(str, sorted(found)))
        what = f"it has {family} number {held} where the data has {classes} grades"
        raise _whole(file, what, f"bring {names_of(family, classes)}, one a grade, worst first")


def _one_number(sheet: _Sheet, plain: Sequence[str], kind: str, has: str) -> tuple[str, list[int]]:
    for known, names in ONE_NUMBER.items():
        for name in names:
            if name in plain:
                return (known if kind == "auto" else kind), [plain.index(name)]
    keys = {alias for aliases in NAMES.values() for alias in aliases}
    numeric = [
        place
        for place, name in enumerate(plain)
        if name not in keys and all(_number(row[place]) is not None for _, row in sheet.rows[:200])
    ]
    if len(numeric) == 1:
        return ("score" if kind == "auto" else kind), numeric
    what = f"no column of numbers can be told from the others; it has {has}"
    cure = "call it 'score' (any number), 'relevance' (0 to 1), or bring logit_0, logit_1, ..."
    raise _whole(sheet.file, what, cure)


def _numbers(sheet: _Sheet, places: Sequence[int]) -> tuple[NDArray[np.float64], list[Problem]]:
    values = np.full((len(sheet.rows), len(places)), np.nan)
    problems = []
    for at, (line, row) in enumerate(sheet.rows):
        for k, place in enumerate(places):
            found = _number(row[place])
            if found is None:
                what = f"{sheet.header[place]!r} is {quoted(row[place])}, no finite number"
                cure = "give every pair a number"
                problems.append(Problem(sheet.file, line, what, cure, unit=sheet.unit))
                break
            values[at, k] = found
    return values, problems


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _keys(sheet: _Sheet, numbers: Sequence[int]) -> dict[str, list[str]]:
    """Those of query, title and description that the file has, of each row."""
    plain = [name.strip().casefold() for name in sheet.header]
    keys: dict[str, list[str]] = {}
    for ours in TEXT_COLUMNS:
        place = next((plain.index(name) for name in NAMES[ours] if name in plain), -1)
        if place >= 0 and place not in numbers:
            keys[ours] = [row[place] for _, row in sheet.rows]
    return keys
