"""Read the rows of a table file as texts, whatever kind of file holds them.

    table = open_table(path)        # of kdcore.data.files.opening; options: see TableOptions
    table.columns, table.headless   # the names; "1", "2", ... where the file has no header
    cells = table.read((0, 3))      # these columns only, in this order
    cells = table.read()            # every column; what is neither text nor number is blank
    cells.rows, cells.problems      # [(line, [text of each column read])]; rows that were rejected

Other columns are never parsed, so their content cannot stop an import. Bools read as "1" and "0",
2.0 as "2", nothing and nan as "". With `lists=True` (files of predictions) a list becomes numbered
columns (logits_0, logits_1, ...), and a list of {"label": ..., "score": ...} one column per label.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from kdcore.data.files.label_texts import KNOWN_SCHEMES, label_lookup
from kdcore.data.files.problems import Problem, shown_name

NAMES = {
    "query": ("query", "search_query", "q"),
    "title": (
        "title", "ad_title", "web_page_title", "wed_page_title", "product_title", "headline",
    ),
    "description": (
        "description", "ad_description", "desc", "snippet", "web_page_snippet",
        "product_description",
    ),
    "grade": ("grade", "label", "relevance_label", "relavance_label", "relevance", "esci_label"),
    "language": ("language", "lang"),
    "split": ("split",),
}  # fmt: skip
PAIR_IDS = ("id", "pair_id", "example_id")  # columns that name a pair, when no value repeats
ALIASES = frozenset(alias for aliases in NAMES.values() for alias in aliases)
LISTED = 64  # entries of a list that become columns
Row = tuple[int, list[str]]  # the line on which it starts, the texts of the columns read


@dataclass(frozen=True)
class TableOptions:
    """How a table file is written, where that cannot be detected.

    delimiter: one character; "" detects it. header: whether the first line names the columns; None
    decides by its words. quotes: whether double quotes enclose a text; None: yes, but not in
    tab-separated .tsv and .txt files. sheet: of a workbook; "" takes the first.
    """

    delimiter: str = ""
    header: bool | None = None
    quotes: bool | None = None
    sheet: str = ""


@dataclass
class Cells:
    """The rows of a table file as texts; rows that cannot be read are problems.

    suspicious: a NUL or broken text is somewhere in the file, so every row must be checked.
    raw: the text of the row on a line, for the list of rejects; "" where the file has no lines.
    """

    file: str
    header: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    unit: str = "line"
    suspicious: bool = False
    lenient: bool = False  # what is neither text nor number reads as blank
    raw: Callable[[int], str] = lambda line: ""

    def reject(self, line: int, raw: str, what: str, cure: str) -> None:
        """Record a row that cannot be read."""
        self.problems.append(Problem(self.file, line, what, cure, raw, self.unit))

    def take(self, line: int, values: Sequence[Any]) -> None:
        """Add a row of Python values; a value that is neither text nor number rejects the row."""
        texts = [text_of(value) for value in values]
        for name, text in zip(self.header, texts, strict=True):
            if text is None and not self.lenient:
                what = f"{shown_name(name)!r} is neither text nor number"
                self.reject(line, "", what, "write it as text")
                return
        self.rows.append((line, [text or "" for text in texts]))


@dataclass(frozen=True)
class TableFile:
    """A table file whose columns are known and whose rows are not read yet.

    kind: what it is, in words ("text separated by tabs"). reader: fills cells with the columns at
    some places, up to a number of rows. headless: no line names the columns, so they are called by
    their number. sheets: of a workbook. quotes: whether double quotes enclose texts.
    truth: (rows, ...) the truth columns of a Parquet file; metadata: of its schema.
    """

    file: str
    kind: str
    columns: tuple[str, ...]
    reader: Callable[[Cells, tuple[int, ...], int | None], None]
    unit: str = "line"
    headless: bool = False
    sheets: tuple[str, ...] = ()
    quotes: bool = False
    truth: Callable[[], pd.DataFrame] = pd.DataFrame
    metadata: Mapping[bytes, bytes] = field(default_factory=dict)

    def read(
        self,
        columns: Sequence[int] | None = None,
        limit: int | None = None,
        *,
        lenient: bool | None = None,
    ) -> Cells:
        """Read the rows (at most `limit`) of the columns at these places, in the order given.

        lenient: whether a value that is neither text nor number is blank, or rejects its row;
        None: the first where every column is read.
        """
        places = tuple(range(len(self.columns)) if columns is None else columns)
        header = [self.columns[place] for place in places]
        cells = Cells(self.file, header, unit=self.unit)
        cells.lenient = columns is None if lenient is None else lenient
        self.reader(cells, places, limit)
        return cells


def numbered(width: int) -> tuple[str, ...]:
    """Name columns that have no names: "1", "2", ..."""
    return tuple(str(place + 1) for place in range(width))


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names columns: one name is known, or it cannot be a pair.

    It can be a pair (or an answer) when all its cells are numbers, or when three or more texts end
    with a label: a known one, a blank one, or one that other rows end with too.
    """
    if not rows:
        return True
    plain = [cell.strip().casefold() for cell in rows[0]]
    labels = set().union({""}, *map(label_lookup, KNOWN_SCHEMES))
    names = ALIASES & set(plain)
    grade = plain[-1] if len(plain) > 2 and not _is_number(plain[-1]) else ""
    if len(names) > 1 or (names and (not grade or grade not in labels)):
        return True  # one known name beside a grade in words may be a text: "Q" as a description
    if all(map(_is_number, plain)):  # pandas names columns 0, 1, 2
        return len(plain) > 1 and plain == [str(place) for place in range(len(plain))]
    labels |= {row[-1].strip().casefold() for row in rows[1:] if len(row) == len(plain)}
    return len(plain) < 3 or plain[-1] not in labels


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False


def text_of(value: Any) -> str | None:
    """Write a cell as text: nothing and nan are blank, 2.0 is "2", true "1"; None for lists etc."""
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return ""
    if isinstance(value, (bool, int)):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Decimal):
        return text_of(float(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value.isoformat() if isinstance(value, date) else None


def expanded(name: str, value: Any) -> dict[str, Any]:
    """Return a value under its column's name, or the first entries of a list, a name each."""
    if not isinstance(value, (list, tuple)):
        return {name: value}
    entries = value[:LISTED]
    if entries and all(isinstance(v, dict) and {"label", "score"} <= v.keys() for v in entries):
        return {str(v["label"]): v["score"] for v in entries}
    return {f"{name}_{place}": entry for place, entry in enumerate(entries)}
