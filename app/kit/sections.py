"""Sections of a saved report, one per part of a page: stored until the page is redrawn.

sections.put("pair", lambda: Section(...))   a part of the page says how to write its section
sections.on_page()                           the sections of the present page, written now
sections.rows_of(sections.on_page())         their tables below each other
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app.state import keys


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
    st.session_state[keys.SECTIONS] = {}


def put(key: str, write: Write) -> None:
    """Say how a part's section is written; it is called only when a report is asked for."""
    st.session_state.setdefault(keys.SECTIONS, {})[key] = write


def on_page() -> tuple[Section, ...]:
    """The sections of the present page: what is open first, then what is folded."""
    parts: dict[str, Write] = st.session_state.get(keys.SECTIONS, {})
    written = [section for write in parts.values() if (section := write()) is not None]
    return tuple(sorted(written, key=lambda section: section.folded))


def rows_of(parts: Sequence[Section]) -> pd.DataFrame:
    """The rows of all tables; `table` is the title of each, cells that a table lacks are empty."""
    titled = []
    for part in parts:
        if part.table is not None:
            rows = part.table.astype(object)
            rows.insert(0, "table", part.title)
            titled.append(rows)
    return pd.concat(titled, ignore_index=True).fillna("") if titled else pd.DataFrame()
