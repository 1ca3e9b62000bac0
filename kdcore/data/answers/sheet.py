"""Read a file of answers as a header and rows of texts, with lists split into columns.

Files of every kind that data/files/opening.py reads. One that holds nothing but numbers needs no
header. What a text-classification pipeline returns with all its scores,
[{"label": ..., "score": ...}, ...], becomes one column for each label.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from kdcore.data.files.opening import open_table
from kdcore.data.files.problems import Problem, listed, quoted, shown_name, unreadable
from kdcore.errors import DataError

_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_BLANK = {"", "nan", "null", "none", "na", "n/a", "<na>"}


@dataclass
class Sheet:
    """The texts of a file under its header, and the problems of single rows.

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
        """Return the cells of one column."""
        return [row[place] for _, row in self.rows]

    def require(self, names: Iterable[str]) -> None:
        """Raise DataError when one of these columns is not in the file."""
        if missing := [name for name in names if name not in self.header]:
            what = f"no column is called {listed(missing)}; it has {listed(self.header)}"
            raise self.refused(what, "use one of these names")

    def refused(self, what: str, cure: str) -> DataError:
        """Make the error of a file that cannot be read as a whole."""
        return unreadable(self.file, what, cure)


def read_sheet(path: Path, file: str = "") -> Sheet:
    """Read a file of answers as texts.

    file: what the file is called in errors and notes; by default its own name.
    Raises DataError when the file as a whole cannot be read or has no row.
    """
    file = file or shown_name(path)
    table = open_table(path, file=file, lists=True)
    cells, header = table.read(), list(table.columns)
    numbers = all(number(cell) is not None for _, row in cells.rows[:1] for cell in row)
    if table.headless and numbers:  # numbers from the first line on
        header = ["score"] if len(header) == 1 else [f"logit_{k}" for k in range(len(header))]
    sheet = Sheet(file, header, cells.rows, cells.problems, cells.unit, cells.notes)
    if not sheet.rows and not sheet.problems:
        raise sheet.refused("it holds no row", "give a file with a row for each pair")
    return sheet


def number(text: str) -> float | None:
    """Read a cell as a finite number, or return None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def looks_numeric(text: str) -> bool:
    """Return whether a cell is meant as a number, also with a decimal comma, infinite, missing."""
    plain = text.strip()
    if plain.casefold() in _BLANK or _DECIMAL_COMMA.fullmatch(plain):
        return True
    try:
        float(plain)
    except ValueError:
        return False
    return True


def is_blank(text: str) -> bool:
    """Return whether a cell means that there is no answer: empty, NaN, null."""
    return text.strip().casefold() in _BLANK


def has_decimal_comma(text: str) -> bool:
    """Return whether a cell is a number with a decimal comma."""
    return bool(_DECIMAL_COMMA.fullmatch(text.strip()))


def why_no_number(text: str) -> tuple[str, str]:
    """Return (what is wrong with a cell that should be a number, what to do)."""
    plain = text.strip()
    if has_decimal_comma(plain):
        return f"{plain} has a decimal comma", (
            f"write {plain.replace(',', '.')}, with a decimal point"
        )
    if not plain:
        return "it is empty", "give every pair a number"
    if is_blank(plain):
        return f"{quoted(plain)} stands for a missing number", "give every pair a number"
    if number(plain) is None and looks_numeric(plain):
        return f"{quoted(plain)} is infinite", "give every pair a finite number"
    return f"{quoted(text)} is not a number", "give every pair a number"
