"""Answers: one JSON document, or tables and sentences; numbers, spans and ages as people read."""

import json
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

NOTHING = "–"
WIDE = 10_000  # columns; a file or a pipe gets every row on one line


def show(as_json: bool, data: Any, *parts: Table | str) -> None:
    """Print the answer: the data as one JSON document, or the parts for people."""
    if as_json:
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        text = json.dumps(plain(data), indent=2, allow_nan=False, ensure_ascii=not utf8)
        sys.stdout.write(text + "\n")
        return
    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else WIDE, highlight=False)
    for part in parts:
        console.print(Text(printable(part, "\n")) if isinstance(part, str) else part)


def table(
    rows: Sequence[Mapping[str, Any]], right: Collection[str] = (), title: str | None = None
) -> Table:
    """Rows of equal keys as a table; the columns in `right` hold numbers."""
    drawn = Table(
        box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, show_edge=False
    )
    for name in rows[0] if rows else ():
        justify = "right" if name in right else "left"
        drawn.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        drawn.add_row(*(Text(printable(cell(value))) for value in row.values()))
    return drawn


def plain(value: Any) -> Any:
    """Dataclasses, arrays, tuples and paths as JSON knows them; what is not a number is null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        ordered = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [plain(entry) for entry in ordered]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def cell(value: Any) -> str:
    """A value as it stands in a table."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def span(value: float | None, low: float | None, high: float | None) -> str:
    """A number and its interval: 0.8123 [0.8010, 0.8230]."""
    if cell(value) == NOTHING:
        return NOTHING
    ends = f" [{cell(low)}, {cell(high)}]" if NOTHING not in (cell(low), cell(high)) else ""
    return f"{cell(value)}{ends}"


def printable(text: str, keep: str = "") -> str:
    """The text without control characters: an ad's title must not command a terminal."""
    return "".join(c if c.isprintable() or c in keep else " " for c in text)
