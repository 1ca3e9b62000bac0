"""Texts on their way to the screen: data is never read as Markdown, HTML or a formula."""

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from kdcore.evaluation.exports import safe_cell
from kdcore.evaluation.texts import duration as duration
from kdcore.evaluation.texts import file_size as file_size
from kdcore.evaluation.texts import number as number
from kdcore.evaluation.texts import signed as signed
from kdcore.metrics.significance import against

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

VERDICT_MARKS = {"BETTER": "▲", "WORSE": "▼", "INCONCLUSIVE": "≈"}
MADE_FROM = "made_from"  # the column of a CSV that tells data and models, with their hashes
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=@\"'/])")


def md(text: str) -> str:
    """A text of the data that Markdown shows letter by letter, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))


def plot(text: str) -> str:
    """A text of the data for a Plotly title, tick or hover, which would read HTML."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def csv(table: pd.DataFrame, made_from: str) -> str:
    """A table as CSV that every reader takes; its last column, made_from, repeats that text.

    Cells that a spreadsheet would run are quoted.
    """
    safe = table.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = [safe_cell(str(v)) for v in safe[column]]
    safe.columns = pd.Index([safe_cell(str(name)) for name in safe.columns])
    safe[MADE_FROM] = safe_cell(" ".join(made_from.split()))
    return str(safe.to_csv(index=False))


def degrees(temperature: float) -> str:
    """A temperature with the digits that its rail shows, without zeros at the end."""
    return f"{temperature:.{1 if temperature >= 10 else 2}f}".rstrip("0").rstrip(".")


def pair_number(row: int) -> str:
    """What a pair is called on every page and in every export: the first one is pair 1.

    A link counts from 0 (`pair=0` is pair 1), as the rows of a table do in code.
    """
    return f"{row + 1:,}"


def counted(count: int, one: str) -> str:
    """A number with its noun: 1 row, 2 rows."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"


def percent(value: float, digits: int = 0) -> str:
    """A share as percent, the way the lab writes it: 32 %."""
    return f"{100 * value:.{digits}f} %".replace("-", "−") if value == value else "–"


def by_chance(value: float) -> str:
    """A small share as percent: 0.1 %, and 0.01 % where one digit would say 0.0 %."""
    return percent(value, 1 if value == 0 or value >= 0.0005 else 3)


def verdict(word: str, opponent: str) -> str:
    """A verdict with its mark and its opponent: "▲ BETTER than its twin"."""
    return f"{VERDICT_MARKS.get(word, '')} {against(word, opponent)}".strip()


def with_signs(table: pd.DataFrame, *columns: str) -> "Styler":
    """A table whose differences carry their sign and a true minus, and still sort as numbers."""

    def shown(value: object) -> str:
        return signed(value) if isinstance(value, float) else ""

    return table.style.format(shown, subset=[c for c in columns if c in table.columns])


def marks(board: Any) -> str:
    """The hashes that every export carries: data, then each model's logits."""
    parts = [f"data={board.pairs.name} {board.pairs.content_hash}"]
    parts += [f"{role}={model.key} {model.hash}" for role, model in board.models.items()]
    return " ".join(parts)


def shown(text: str, most: int = 200) -> str:
    """A text from outside that can be sent to a browser: no broken bytes, bounded."""
    safe = text.encode("utf-8", "replace").decode()
    return safe if len(safe) <= most else safe[: most - 1] + "…"
