"""The beginning of a staged table: columns, first rows as text, and what they seem to be."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.kit.by_hash import by_hash
from app.kit.texts import shown
from app.views.data.queries.intake import Staged
from kdcore.data.files.cells import NAMES, TableOptions
from kdcore.data.files.opening import open_table
from kdcore.data.pairs import TEXT_COLUMNS
from kdcore.data.sources.columns import POSITIONS
from kdcore.data.sources.registry import is_archive
from kdcore.data.sources.xglue import is_xglue_name
from kdcore.data.trec.places import is_trec
from kdcore.errors import DataError

FIRST_ROWS = 200
TREC = "TREC"  # the kind of a folder or .zip of qrels, queries and documents
MOST_COLUMNS = 200  # whose first rows are shown; the others can be chosen by name
# parts of column names, most telling first; the exact names stand in kdcore.data.files.cells
_HINTS = {
    "query": ("query", "search", "keyword", "term", "such", "frage"),
    "title": (
        *("title", "headline", "titel", "product_name", "ad_text", "anzeige"),
        *("^product$", "^item$", "^document$", "^doc$", "^passage$", "^ad$"),
    ),
    "description": ("desc", "snippet", "body", "text"),
    "grade": ("grade", "label", "relevan", "rating", "judg", "gold", "target"),
    "language": ("lang",),
    "split": ("split", "fold"),
}


@dataclass(frozen=True)
class Head:
    """Column names and first rows, fit for the screen. mapped: whether columns must be named.

    guesses: our column -> the file's, or None. headless: no line names the columns. kind: what the
    file is, in words. sheets: of a workbook. quotes: whether double quotes enclose texts.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    guesses: Mapping[str, str | None] = field(default_factory=dict)
    headless: bool = False
    mapped: bool = True
    kind: str = ""
    sheets: tuple[str, ...] = ()
    quotes: bool = False
    error: str = ""

    @property
    def is_text(self) -> bool:
        """Whether it is cut by a delimiter, so that header and quotes are a matter of reading."""
        return self.kind.startswith("text ")


def head(staged: Staged, options: TableOptions | None = None, lists: bool = False) -> Head:
    """A look at the beginning; an unreadable file is reported in `error`, nothing is raised.

    lists: of a file of predictions, whose lists are columns.
    """
    try:
        changed = staged.path.stat().st_mtime_ns
        return _head(str(staged.path), staged.title, changed, options or TableOptions(), lists)
    except OSError as cause:
        return Head(error=f"{staged.title} cannot be read ({cause.strerror})")


@by_hash(most=8)
def _head(text: str, title: str, changed: int, options: TableOptions, lists: bool) -> Head:
    path = Path(text)
    if is_trec(path):
        return Head(mapped=False, kind=TREC)
    if path.is_dir() or is_xglue_name(path.name) or is_archive(path):
        return Head(mapped=False)
    try:
        table = open_table(path, options, file=title, lists=lists)
        cells = table.read(range(min(len(table.columns), MOST_COLUMNS)), FIRST_ROWS, lenient=True)
        if not table.columns:
            raise DataError("the file is empty; upload one with a header and a row for each pair")
        if not cells.rows and not cells.problems:
            raise DataError("the file has a header but no rows; add a row for each pair")
    except DataError as error:
        return Head(error=shown("; ".join((error.headline, *error.problems_for_app)), 600))
    rows = [row for _, row in cells.rows]
    return Head(
        columns=table.columns,
        rows=tuple(tuple(map(shown, row)) for row in rows),
        guesses=guess(table.columns, rows, table.headless),
        headless=table.headless,
        kind=table.kind,
        sheets=table.sheets,
        quotes=table.quotes,
    )


def guess(
    columns: Sequence[str], rows: Sequence[Sequence[str]], headless: bool = False
) -> dict[str, str | None]:
    """Which column is which: by its name, by part of its name, the grade also by its few values.

    Without a header by its place, where there are as many columns as in QADSM's files.
    """
    plain = [name.strip().casefold() for name in columns]
    places: dict[str, int] = {}
    if headless and len(columns) == len(POSITIONS):
        places = {ours: place for place, ours in enumerate(POSITIONS)}
    for ours, names in NAMES.items():
        exact = [plain.index(name) for name in names if name in plain]
        if exact:
            places[ours] = exact[0]
    for ours, hints in _HINTS.items():
        free = [i for i in range(len(columns)) if i not in places.values()]
        if ours in TEXT_COLUMNS:  # an id such as keyword_id is no text
            free = [i for i in free if not _holds_numbers(rows, i)]
        near = next((i for hint in hints for i in free if re.search(hint, plain[i])), None)
        if ours not in places and near is not None:
            places[ours] = near
    if "grade" not in places:
        free = [i for i in range(len(columns)) if i not in places.values()]
        few = [i for i in free if _has_few_values(rows, i)]
        places |= {"grade": few[-1]} if few else {}
    return {ours: columns[places[ours]] if ours in places else None for ours in NAMES}


def _holds_numbers(rows: Sequence[Sequence[str]], place: int) -> bool:
    values = {row[place] for row in rows if len(row) > place} - {""}
    return bool(values) and all(value.isdecimal() for value in values)


def _has_few_values(rows: Sequence[Sequence[str]], place: int) -> bool:
    values = {row[place] for row in rows if len(row) > place} - {""}
    return 2 <= len(values) <= 6 and len(rows) >= 10
