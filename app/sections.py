"""Sections of a saved report, one per part of a page: stored until the page is redrawn.

sections.put("pair", lambda: Section(...))   a part of the page says how to write its section
sections.on_page()                           the sections of the present page, written now
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app.services import Answers, Board
from app.texts import number
from kdcore.pairs import UNLABELLED
from kdcore.softlabels import soften

_KEY = "kd_sections"


@dataclass(frozen=True)
class Section:
    """A part of the report: a title, paragraphs, and a table; folded ones open on a click."""

    title: str
    texts: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    folded: bool = False


Write = Callable[[], Section | None]


def forget() -> None:
    """Forget the sections of an earlier page; called before a page is drawn."""
    st.session_state[_KEY] = {}


def put(key: str, write: Write) -> None:
    """Say how a part's section is written; it is called only when a report is asked for."""
    st.session_state.setdefault(_KEY, {})[key] = write


def on_page() -> tuple[Section, ...]:
    """The sections of the present page: what is open first, then what is folded."""
    parts: dict[str, Write] = st.session_state.get(_KEY, {})
    written = [section for write in parts.values() if (section := write()) is not None]
    return tuple(sorted(written, key=lambda section: section.folded))


def of_pair(board: Board, row: int, temperatures: Mapping[str, float], heading: str) -> Section:
    """The texts of a pair, its label, and each model's soft label at its own temperature."""
    pair = board.pairs.frame.iloc[row]
    grades, grade = board.pairs.scheme.grades, int(board.pairs.grades[row])
    columns: dict[str, list[str]] = {"grade": list(grades)}
    for role in ("teacher", "student", "twin"):
        who: Answers | None = getattr(board, role)
        if who is not None:
            heat = temperatures[role]
            p = soften(who.predictions.logits[row], heat)
            columns[f"{role}, T = {heat:g}"] = [number(float(v)) for v in p]
    if board.pairs.truth is not None:
        columns["truth"] = [number(float(v)) for v in board.pairs.truth[row]]
    label = "not judged" if grade == UNLABELLED else grades[grade]
    texts = (
        f"Query: {pair['query']}",
        f"Ad: {pair['title']}",
        f"Description: {pair['description']}" if str(pair["description"]).strip() else "",
        f"Hard label: {label}",
    )
    return Section(heading, tuple(t for t in texts if t), pd.DataFrame(columns).iloc[::-1])
