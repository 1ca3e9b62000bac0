"""The beginning of a staged table: columns, first rows as text, and what they seem to be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st

from app.services.data_intake import Staged, shown
from kdcore.datasets.cells import READERS, text_of
from kdcore.datasets.rows import label_lookup
from kdcore.datasets.table import NAMES
from kdcore.datasets.xglue import is_xglue_name
from kdcore.errors import DataError
from kdcore.labels import SCHEMES

BEGINNING = 2**18  # bytes that are read for a look
FIRST_ROWS = 200
_TEXT = (".csv", ".tsv", ".txt")
# parts of column names, most telling first; the exact names stand in kdcore.datasets.table
_HINTS = {
    "query": ("query", "search", "keyword", "term", "such", "frage"),
    "title": ("title", "headline", "titel", "product_name", "ad_text", "anzeige"),
    "description": ("desc", "snippet", "body", "text"),
    "grade": ("grade", "label", "relevan", "rating", "judg", "gold", "target"),
    "language": ("lang", "locale"),
    "split": ("split", "fold"),
}


@dataclass(frozen=True)
class Head:
    """Column names and first rows, fit for the screen. mapped: whether columns must be named.

    guesses: our column -> the file's, or None. headless: the first line seems to be a row.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    guesses: tuple[tuple[str, str | None], ...] = ()
    headless: bool = False
    mapped: bool = True
    error: str = ""


def head(staged: Staged) -> Head:
    """A look at the beginning; an unreadable file is told in `error`, nothing is raised."""
    try:
        return _head(str(staged.path), staged.path.stat().st_mtime_ns)
    except OSError as cause:
        return Head(error=f"{staged.title} cannot be read ({cause.strerror})")


@st.cache_resource(max_entries=8, show_spinner=False)
def _head(text: str, changed: int) -> Head:
    path = Path(text)
    ending = ".tsv" if path.suffix.lower() == ".txt" else path.suffix.lower()
    if path.is_dir() or is_xglue_name(path.name) or ending not in READERS:
        return Head(mapped=False)
    try:
        columns, rows = _parquet(path) if ending == ".parquet" else _text(path, ending)
    except DataError as error:
        return Head(error=shown("; ".join((error.headline, *error.problems))))
    safe = tuple(tuple(shown(cell) for cell in row) for row in rows[:FIRST_ROWS])
    return Head(tuple(columns), safe, guess(columns, rows), _headless(ending, columns))


def _parquet(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        file = pq.ParquetFile(path)
        batch = next(file.iter_batches(batch_size=FIRST_ROWS), None)
    except (pa.ArrowException, OSError, ValueError) as cause:
        raise DataError(f"this is no Parquet file, or a damaged one ({str(cause)[:80]})") from cause
    columns = [str(name) for name in file.schema_arrow.names]
    records = batch.to_pylist() if batch is not None else []
    return columns, [[text_of(r.get(name)) or "" for name in columns] for r in records]


def _text(path: Path, ending: str) -> tuple[list[str], list[list[str]]]:
    with path.open("rb") as file:
        data = file.read(BEGINNING)
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("this looks like a binary file; bring TSV, CSV, JSON lines or Parquet")
    if len(data) == BEGINNING:
        data = data[: data.rfind(b"\n") + 1] or data
    cells = _cells_of(data, ending)
    if not cells[0]:
        raise DataError("the file holds no line; bring one with a header and a row for each pair")
    lines = sum(1 for line in data.splitlines() if line.strip())
    if lines == 1 and not _headless(ending, cells[0]):
        raise DataError("the file holds a header and no row; bring a row for each pair")
    return cells


def _cells_of(data: bytes, ending: str) -> tuple[list[str], list[list[str]]]:
    """Parse bytes with the reader of their ending, by way of a file that is gone at once."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"head{ending}"
        path.write_bytes(data)
        cells = READERS[ending](path)
    return cells.header, [row for _, row in cells.rows[:FIRST_ROWS]]


def _headless(ending: str, columns: Sequence[str]) -> bool:
    """Whether the first line of a tab-separated file seems to be a pair: its last cell a label."""
    if ending not in _TEXT or not columns:
        return False
    labels = set().union(*(label_lookup(scheme) for scheme in SCHEMES.values()))
    return len(columns) >= 3 and columns[-1].strip().casefold() in labels


def guess(
    columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[tuple[str, str | None], ...]:
    """Which column is which: by its name, by part of its name, the grade also by its few values."""
    plain = [name.strip().casefold() for name in columns]
    taken: dict[str, int] = {}
    for ours, names in NAMES.items():
        exact = [plain.index(name) for name in names if name in plain]
        if exact:
            taken[ours] = exact[0]
    for ours, hints in _HINTS.items():
        free = [i for i in range(len(columns)) if i not in taken.values()]
        if ours not in taken:
            near = next((i for hint in hints for i in free if re.search(hint, plain[i])), None)
            taken |= {} if near is None else {ours: near}
    if "grade" not in taken:
        few = [i for i in range(len(columns)) if i not in taken.values() and _few(rows, i)]
        taken |= {"grade": few[-1]} if few else {}
    return tuple((ours, columns[taken[ours]] if ours in taken else None) for ours in NAMES)


def _few(rows: Sequence[Sequence[str]], place: int) -> bool:
    values = {row[place] for row in rows if len(row) > place} - {""}
    return 2 <= len(values) <= 6 and len(rows) >= 10


def with_header(staged: Staged, columns: int) -> Staged:
    """A copy of a headless table under column names: QADSM's four, else column 1, column 2, ..."""
    names = ["query", "title", "description", "grade"]
    if columns != len(names):
        names = [f"column {k + 1}" for k in range(columns)]
    ending = staged.path.suffix
    text = ("," if ending == ".csv" else "\t").join(names).encode() + b"\n"
    copy = staged.path.with_name(f"named{ending}")
    if not copy.exists():
        copy.write_bytes(text + staged.path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    return Staged(copy, staged.title, staged.size, staged.ours)
