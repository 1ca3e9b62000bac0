"""Compare's disagreement table: the selected pairs in an order, a page at a time, a row to open."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import services, state
from app.kit import controls
from app.kit.figures.style import color
from app.kit.texts import csv, marks, md, with_signs
from app.services import Board
from app.shell import caveats
from app.state import keys
from app.state.compare import NO_EDIT
from app.views.compare import selection
from app.views.compare.queries import notes as notebook
from kdcore.analysis.notes import STATUSES, pair_key
from kdcore.analysis.outcomes import OUTCOME_TITLES
from kdcore.analysis.tags import TAGS
from kdcore.softlabels import soften

PAGE = 200  # rows sent at once
TALLEST = 350  # pixels
NOTED = "noted"


# an order of the table: its title, and what the first row has most of
ORDERS: dict[str, tuple[str, Callable[[pd.DataFrame], Any]]] = {
    "": ("Loss gap: the student loses most", lambda r: r.loss_gap),
    "won": ("Loss gap: the student wins most", lambda r: -r.loss_gap),
    "apart": ("|teacher − student| in P(relevant)", lambda r: (r.teacher_p - r.student_p).abs()),
    "kl": ("KL(teacher ‖ student)", lambda r: r.kl),
    "teacher": ("Teacher's P(relevant), highest", lambda r: r.teacher_odds),
    "student": ("Student's P(relevant), highest", lambda r: r.student_odds),
    "student_low": ("Student's P(relevant), lowest", lambda r: -r.student_odds),
    "unsure": ("Student least sure (entropy)", lambda r: r.student_entropy),
    "label": ("Best grade first", lambda r: r.grade),
    "row": ("As in the data set", lambda r: -r.row),
    NOTED: ("With a note first", lambda r: -r.row),
}
HELP = (
    "Loss: cross-entropy on the label in nats at T = 1; the gap is the student's less the "
    "teacher's. KL: nats at T = 1. Pairs without a label have no loss and come last. Ties are "
    "ordered by a hash of the texts."
)


def draw(board: Board, rows: pd.DataFrame) -> None:
    """Order, pages and the table; a click on a row makes its pair the one in focus."""
    if not len(rows):
        st.info("No pair passes these filters. Remove one to fill the table.")
        return
    page, pages = _controls(board, rows)
    order = ordered(board, rows)
    shown = rows.iloc[order[(page - 1) * PAGE : page * PAGE]]
    _table(board, shown)
    if sentence := caveats.of(board, "nll"):
        st.caption(md(f"† {sentence}"))
    with st.container(horizontal=True, vertical_alignment="center", key="ctable_foot"):
        st.caption(
            f"{len(rows):,} pairs, page {page:,} of {pages:,}. A click on a row, or an arrow key "
            "in the table, opens its pair below."
        )
        st.download_button(
            "Pairs as CSV",
            lambda: csv_of(board, rows.iloc[order]),
            file_name=f"pairs-{board.pairs.content_hash}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="All pairs of the table in its order, with scores, tags and notes.",
        )


def csv_of(board: Board, rows: pd.DataFrame) -> bytes:
    """The rows as a file; written when it is requested."""
    table, made_from = view(board, rows), marks(board)
    if rival := services.rival_of(board):
        p = soften(rival.predictions.logits[rows["row"].to_numpy()])
        place = table.columns.tolist().index("loss_gap")
        table.insert(place, "second_p", board.pairs.scheme.relevance(p))
        made_from += f" second={rival.key} {rival.hash}"
    return csv(table, made_from).encode("utf-8", "backslashreplace")


def ordered(board: Board, rows: pd.DataFrame) -> NDArray[np.int64]:
    """Positions in `rows` in the order of the state; what has no number comes last."""
    name = state.now().compare.sort if state.now().compare.sort in ORDERS else ""
    most = np.asarray(ORDERS[name][1](rows), dtype=np.float64)
    keys = (board.pairs.tiebreaks[rows["row"]], np.where(np.isnan(most), np.inf, -most))
    order = np.lexsort(keys)
    if name == NOTED:
        notes = {(n.query, n.title, n.description) for n in notebook.notes(board).values()}
        noted = np.fromiter((texts in notes for texts in _texts(rows)), bool, len(rows))
        order = order[np.argsort(~noted[order], kind="stable")]
    return order


def _texts(rows: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    return zip(*(rows[name].tolist() for name in ("query", "title", "description")), strict=True)


def _controls(board: Board, rows: pd.DataFrame) -> tuple[int, int]:
    """The order's and the page's controls; which page is shown, and how many there are."""
    pages = max(1, -(-len(rows) // PAGE))
    with st.container(horizontal=True, vertical_alignment="bottom", key="ctable_controls"):
        controls.bound(
            st.selectbox,
            "compare.sort",
            "Order",
            options=list(ORDERS),
            format_func=lambda key: ORDERS.get(key, ORDERS[""])[0],
            help=HELP,
            width=340,
            on_change=_sorted,
            args=(),
        )
        page = min(state.now().compare.page, pages)
        if pages > 1:
            key = _key("ctable_page", page)
            st.pagination(pages, default=page, key=key, on_change=partial(_turned, key))
        for label, way, by in (("Previous pair", "up", -1), ("Next pair", "down", 1)):
            st.button(
                label,
                icon=f":material/arrow_{way}ward:",
                on_click=partial(_go, board, rows, by),
                key=f"ctable_step{by}",
            )
    return page, pages


def _sorted() -> None:
    state.change(compare={"sort": st.session_state["w_sort"], "page": 1})


def _turned(key: str) -> None:
    _seen("ctable_page", st.session_state[key])
    state.change(compare={"page": st.session_state[key]})


def _go(board: Board, rows: pd.DataFrame, by: int) -> None:
    """The pair before or after the present one in the table's order, its page with it."""
    walk = rows["row"].to_numpy()[ordered(board, rows)]
    at = np.flatnonzero(walk == selection.primary(board))
    place = int(np.clip(at[0] + by, 0, len(walk) - 1)) if len(at) else 0
    open_pair(int(walk[place]), page=place // PAGE + 1)


def open_pair(row: int, **more: Any) -> None:
    """Make a pair the one in focus; what was typed over another pair is put away."""
    state.change(pair=row, compare=NO_EDIT | more)


def _table(board: Board, shown: pd.DataFrame) -> None:
    ids = shown["row"].to_numpy()
    present = selection.primary(board)
    key = f"{_key('ctable', present)}_{hash(ids.tobytes()) & 0xFFFFFFFF:x}"
    at = np.flatnonzero(ids == present)
    st.dataframe(
        with_signs(view(board, shown), "loss_gap"),
        key=key,
        hide_index=True,
        width="stretch",
        height=min(TALLEST, 38 + 35 * len(shown)),
        column_config=_columns(board),
        selection_mode="single-cell",  # a click anywhere in a row opens it, and so do arrow keys
        selection_default={"selection": {"cells": [(int(at[0]), "query")] if len(at) else []}},
        on_select=partial(_opened, key, ids),
        alt=f"Table of {len(shown)} query-ad pairs with what teacher and student say of each.",
    )


def _key(name: str, present: int) -> str:
    """A widget's key, which changes when something else than the widget set its value.

    What a visitor does in a table must not make a new table: its scroll and focus would be lost.
    """
    turn, seen = st.session_state.get(f"{keys.PAIRS_GRID}_{name}", (0, present))
    turn += present != seen
    st.session_state[f"{keys.PAIRS_GRID}_{name}"] = turn, present
    return f"{name}_{turn}"


def _seen(name: str, value: int) -> None:
    """The widget itself set this value."""
    turn, _ = st.session_state[f"{keys.PAIRS_GRID}_{name}"]
    st.session_state[f"{keys.PAIRS_GRID}_{name}"] = turn, value


def _opened(key: str, ids: NDArray[np.int64]) -> None:
    at = controls.opened_row(key, len(ids))
    if at is not None:
        row = int(ids[at])
        _seen("ctable", row)
        open_pair(row)


def view(board: Board, shown: pd.DataFrame) -> pd.DataFrame:
    """What the table shows of these rows; texts are texts, never markup."""
    notes = notebook.notes(board)
    own = [notes.get(pair_key(*texts)) if notes else None for texts in _texts(shown)]
    tags = zip(*(shown[name].tolist() for name in TAGS), strict=True)
    titles = [tag.title for tag in TAGS.values()]
    models = [name for name in ("teacher_p", "student_p", "twin_p") if name in shown]
    return shown[["query", "title", "grade_name", *models, "loss_gap", "kl"]].assign(
        outcome=[OUTCOME_TITLES[outcome] for outcome in shown["outcome"]],
        status=[STATUSES[note.status] if note and note.status else "" for note in own],
        note=[note.text if note else "" for note in own],
        tags=[", ".join(compress(titles, row)) for row in tags],
        description=shown["description"],
        pair=shown["row"] + 1,  # as every page counts them
    )


def _columns(board: Board) -> dict[str, Any]:
    """How each column is headed and drawn; a dagger marks what is no model's own number."""
    kind = st.column_config
    relevant = "P(relevant) at T = 1: the soft label's mass on grades that count as relevant."
    compared = [model for model in (board.teacher, board.student) if model]
    mark = "" if all(model.predictions.own_grades for model in compared) else " †"
    signs = {r: "" if m.predictions.own_relevance else " †" for r, m in board.models.items()}

    models = {
        f"{role}_p": kind.ProgressColumn(
            f"{role}{signs.get(role, '')}",
            help=relevant,
            format="%.3f",
            min_value=0,
            max_value=1,
            color=color(role, controls.dark()),
            width=120,
        )
        for role in ("teacher", "student", "twin")
    }
    return {
        "query": kind.TextColumn("query", width=170),
        "title": kind.TextColumn("title", width=270),
        "grade_name": kind.TextColumn("label", width=80),
        **models,
        "loss_gap": kind.NumberColumn(f"loss gap{mark}", help=HELP, width="small"),
        "kl": kind.NumberColumn(f"KL{mark}", help=HELP, format="%.3f", width="small"),
        "outcome": kind.TextColumn("who is right"),
        "status": kind.TextColumn("status", width="small"),
        "note": kind.TextColumn("note"),
        "tags": kind.TextColumn("tags", width="medium"),
        "description": kind.TextColumn("description", width="medium"),
        "pair": kind.NumberColumn("pair", help="Its place in the data, from 1.", width="small"),
    }
