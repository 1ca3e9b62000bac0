"""A table of rows of the data, 200 at a time, with its export and the way to Compare."""

from typing import Any, Literal

import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls, texts
from app.services import Board
from app.state.compare import NO_FILTERS

ROWS_PER_PAGE = 200
_WIDE: dict[str, Literal["medium", "large"]] = {
    "title": "medium",
    "description": "large",
    "raw": "large",
    "problem": "large",
}


def draw(board: Board, table: pd.DataFrame, caption: str, *, linked: bool, tag: str = "") -> None:
    """Draw one page of a table. linked: its column `row` is a place on the board.

    tag: the smart tag under which Compare opens.
    """
    st.caption(texts.md(caption))
    if not len(table):
        st.caption("No rows to show.")
        return
    pages = -(-len(table) // ROWS_PER_PAGE)
    if state.now().data.page > pages:  # a link from before, or another card's page
        state.correct(data={"page": pages})
    page = state.now().data.page
    shown = table.iloc[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE]
    key = f"data_rows_{state.now().data.card}_{state.now().data.tab}"
    st.dataframe(
        _readable(numbered(shown)),
        hide_index=True,
        height=min(420, 38 + 35 * len(shown)),
        key=key,
        on_select="rerun",
        selection_mode="single-cell",
        column_config=_columns(numbered(shown)),
        alt=f"{len(table):,} rows",
    )
    with st.container(horizontal=True, vertical_alignment="center", key="data_rows_bar"):
        _pages(len(table), pages)
        _save(board, table)
        if linked and "row" in table:
            _to_compare(board, shown, controls.opened_row(key, len(shown)), tag)


def _pages(rows: int, pages: int) -> None:
    per_page = f", {ROWS_PER_PAGE} per page" if pages > 1 else ""
    st.caption(f"{rows:,} rows{per_page}", width="content")
    if pages > 1:
        label = f"Page (1 to {pages:,})"
        controls.bound(st.number_input, "data.page", label, min_value=1, max_value=pages, width=150)


def _readable(shown: pd.DataFrame) -> pd.DataFrame:
    """The page as the browser gets it: bounded texts, no description where there is none."""
    out = shown.copy()
    if "description" in out and not out["description"].astype(bool).any():
        out = out.drop(columns="description")
    for column in out.columns:
        if not pd.api.types.is_numeric_dtype(out[column]):
            out[column] = [str(value)[:1000] for value in out[column]]
    return out


def numbered(table: pd.DataFrame) -> pd.DataFrame:
    """A place on the board as the number that every page calls the pair by."""
    if "row" not in table:
        return table
    return table.assign(row=table["row"] + 1).rename(columns={"row": "pair"})


def _columns(shown: pd.DataFrame) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name in shown.columns:
        if not pd.api.types.is_numeric_dtype(shown[name]):
            config[name] = st.column_config.TextColumn(name, width=_WIDE.get(name))
        elif pd.api.types.is_float_dtype(shown[name]):
            config[name] = st.column_config.NumberColumn(name, format="%.3f")
    return config


def _save(board: Board, table: pd.DataFrame) -> None:
    source = f"KD Lab, {board.data.key}, data {services.whole_data(board.data).content_hash}"
    st.download_button(
        "CSV",
        lambda: texts.csv(numbered(table), source),
        file_name=f"{board.data.key}-rows.csv",
        mime="text/csv",
        help="All of these rows; cells that a spreadsheet would run are quoted.",
    )


def _to_compare(board: Board, shown: pd.DataFrame, at: int | None, tag: str) -> None:
    """The button that opens the selected pair, or all of a tag, in Compare."""
    label = "Select a row to open it in Compare" if at is None else "Open the pair in Compare"
    closed = not board.ready or at is None
    if st.button(label, disabled=closed, key="data_open_pair") and at is not None:
        row = int(shown["row"].iloc[at])
        state.correct(pair=row, compare=NO_FILTERS | {"tags": tag})
        st.switch_page("views/compare/page.py")
