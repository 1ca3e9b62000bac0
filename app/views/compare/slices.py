"""Compare's slice finder: groups of pairs in which distillation cost most, chance kept out."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.kit import controls, sections
from app.kit.sections import Section
from app.kit.texts import csv, marks, md, number, signed, verdict, with_signs
from app.services import Board
from app.services.selection.picked import KIND
from app.services.selection.slices import Against, effect, mask, search
from app.services.selection.slices import describe as in_words
from app.shell import caveats
from app.views.compare import selection
from app.views.compare.slice_words import AGAINST, SHORT, finding, there, word
from kdcore.analysis.attributes import describe
from kdcore.analysis.slices import FEWEST_QUERIES, Slice, Slices

HELP = (
    "Effect: mean of (student's loss − the other's loss) inside the slice, less the same outside, "
    "in nats per pair at T = 1. Above 0 the student falls behind there more than elsewhere: it "
    "loses more, or gains less."
)
GAP_HELP = (
    "Mean of (student's loss − the other's loss), nats per pair. Above 0 the student loses, below "
    "0 it gains."
)
DIFFERENCES = {  # columns of signed numbers: their heading and help
    "gap inside": ("loss gap in the slice", GAP_HELP),
    "gap outside": ("loss gap elsewhere", GAP_HELP),
    "effect": ("effect: in the slice − elsewhere", HELP),
    "in total": ("effect × pairs", "In nats. The table is in this order, the most first."),
    "effect, twin": ("effect against the twin", HELP),
    "effect, teacher": ("effect against the teacher", HELP),
}
METHOD = (
    "Candidates are words of query and title, lengths, shared words, grade, language, the "
    "teacher's confidence, tags, and any two of them together, if they hold enough pairs of at "
    f"least {FEWEST_QUERIES} queries. The error of an effect is taken over queries, as pairs of a "
    "query hang together. Benjamini-Hochberg keeps false discoveries at 5 % of what is listed. "
    "The intervals listed are widened for that choice: at most 5 % of them miss on average (false "
    "coverage rate, Benjamini & Yekutieli 2005). Slices of nearly the same pairs, and parts of a "
    "slice that differ from it by no more than chance, are folded into it. Tags made of the "
    "compared losses are left out: they would find themselves."
)


def draw(board: Board, rows: pd.DataFrame) -> None:
    """The finding, the table of slices, and the chosen slice as a filter of the whole page."""
    if hidden := caveats.of(board, "nll"):
        st.info(md(f"{hidden} Slices compare losses, so they are hidden."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="slice_controls"):
        against = _opponent(board)
        controls.bound(
            st.slider,
            "compare.slice_pairs",
            "Fewest pairs in a slice",
            min_value=20,
            max_value=1000,
            step=10,
            width=260,
        )
    selection.say_unused(board)
    with st.spinner("Trying slices…"):
        result = search(board, against, state.now().compare.slice_pairs)
    if result is None or not result.tried:
        st.info("No slice is large enough, or too few pairs carry a label: there is none to test.")
        _chosen(board, against)
        return
    st.text(finding(board, result, against))
    _chosen(board, against)
    if result.slices:
        _table(board, list(result.slices), against)
    sections.put("slices", lambda: _section(board, result, against))
    with st.expander("How slices are found, and what keeps chance out"):
        st.text(METHOD)


def _opponent(board: Board) -> Against:
    """The model that the student is compared with; with a twin, the visitor chooses."""
    if board.twin is None:
        return "teacher"
    controls.choose(
        "compare.slice_opponent", "Student's loss against", AGAINST, label_visibility="visible"
    )
    return "twin" if state.now().compare.slice_opponent == "twin" else "teacher"


def _section(board: Board, result: Slices, against: Against) -> Section:
    table = None
    if result.slices:  # the list of slices with the same pairs can be a page long
        table = view(board, list(result.slices), against).drop(columns="folded")
    return Section("Slices", (finding(board, result, against),), table)


def _chosen(board: Board, against: Against) -> None:
    """The slice that filters the page now, with its effect against both, and the way out."""
    name = state.now().compare.slice
    if mask(board, name) is None:
        return
    effects = []
    for other in (against, _other(against)):
        own = effect(board, other, name)
        if own is not None and np.isfinite(own.effect):
            than = "more" if own.effect > 0 else "less"
            effects.append(
                f"{there(own.inside, other)}, {number(abs(own.effect))} {than} than elsewhere"
            )
    with st.container(horizontal=True, vertical_alignment="center", key="slice_chosen"):
        where = in_words(board, name)
        st.text(". ".join([f"The page shows where {where}", *effects]) + ".")
        st.button("Show all pairs", icon=":material/close:", on_click=partial(_apply, ""))
        if name.startswith(KIND) and st.button("Show on the map", icon=":material/scatter_plot:"):
            state.correct(map={"selected": name.removeprefix(KIND)})
            st.switch_page("views/map/page.py")


def _table(board: Board, slices: list[Slice], against: Against) -> None:
    names = [s.name for s in slices]
    key = f"slices_{hash(tuple(names)) & 0xFFFFFFFF:x}"
    chosen = [row for row, name in enumerate(names) if name == state.now().compare.slice]
    with st.container(key="chart_slices"):
        st.dataframe(
            with_signs(view(board, slices, against), *DIFFERENCES),
            key=key,
            hide_index=True,
            width="stretch",
            height=min(420, 38 + 35 * len(slices)),
            column_config=_columns(slices),
            selection_mode="single-cell",
            selection_default={"selection": {"cells": [(row, "slice") for row in chosen]}},
            on_select=partial(_pick, key, names),
            alt="Table of slices with their effect, interval, support and false-discovery rate.",
        )
    st.caption(
        "In the order of effect × pairs: first where the student falls behind most in total, last "
        "where it gains most. Choose a row to show only that slice on the whole page."
    )
    st.download_button(
        "Slices as CSV",
        lambda: csv_of(board, slices, against),
        file_name=f"slices-{against}-{board.pairs.content_hash}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="All slices listed, with the ends of both intervals as numbers.",
    )


def csv_of(board: Board, slices: list[Slice], against: Against) -> bytes:
    """The table as a file of numbers, a unit in each heading; written when it is requested."""
    scheme, gap, unit = board.pairs.scheme, f"loss - loss of {against}", "nats per pair"
    columns = {
        f"{gap}, {unit}": [s.inside for s in slices],
        f"{gap}, low": [s.inside_low for s in slices],
        f"{gap}, high": [s.inside_high for s in slices],
        f"{gap} elsewhere, {unit}": [s.outside for s in slices],
        f"effect, {unit}": [s.effect for s in slices],
        "effect, low": [s.low for s in slices],
        "effect, high": [s.high for s in slices],
        "effect x pairs, nats": [s.total for s in slices],
        "pairs": [s.pairs for s in slices],
        "queries": [s.queries for s in slices],
        "false-discovery rate": [s.q for s in slices],
    }
    frame = pd.DataFrame({"slice": [describe(s.name, scheme) for s in slices], **columns})
    return csv(frame, marks(board)).encode("utf-8", "backslashreplace")


def view(board: Board, slices: list[Slice], against: Against) -> pd.DataFrame:
    """The slices as a table, with their effect against the other model beside it."""
    other, scheme = _other(against), board.pairs.scheme
    frame = {
        "slice": [describe(s.name, scheme) for s in slices],
        "student": [verdict(word(s), SHORT[against]) for s in slices],
        "gap inside": [s.inside for s in slices],
        "interval of the gap": [_ends(s.inside_low, s.inside_high) for s in slices],
        "gap outside": [s.outside for s in slices],
        "effect": [s.effect for s in slices],
        "95 % interval": [_ends(s.low, s.high) for s in slices],
        "in total": [s.total for s in slices],
        "pairs": [s.pairs for s in slices],
        "queries": [s.queries for s in slices],
        "false-discovery rate": ["< 0.001" if s.q < 0.001 else number(s.q) for s in slices],
        "folded": ["; ".join(describe(n, scheme) for n in s.also) for s in slices],
    }
    if getattr(board, other) is not None:
        others = [effect(board, other, s.name) for s in slices]
        frame[f"effect, {other}"] = [e.effect if e else float("nan") for e in others]
    return pd.DataFrame(frame)


def _ends(low: float, high: float) -> str:
    return f"{signed(low)} to {signed(high)}"


def _other(against: Against) -> Against:
    return "twin" if against == "teacher" else "teacher"


def _columns(slices: list[Slice]) -> dict[str, Any]:
    kind = st.column_config
    return {
        name: kind.NumberColumn(title, help=help) for name, (title, help) in DIFFERENCES.items()
    } | {
        "slice": kind.TextColumn("where", width="large"),
        "student": kind.TextColumn(
            "student there",
            help="What the loss gap in the slice says, by its interval: WORSE where the "
            "student loses, BETTER where it gains, even if less than elsewhere.",
        ),
        "interval of the gap": kind.TextColumn(
            "95 % interval of the gap", help="Corrected for the choice, as that of the effect."
        ),
        "95 % interval": kind.TextColumn(
            "95 % interval of the effect",
            help="Of the effect, corrected for the choice: of the intervals listed here, whose "
            "slices were chosen out of all tried, at most 5 % miss on average.",
        ),
        "pairs": kind.ProgressColumn(
            "pairs", format="%d", min_value=0, max_value=max(s.pairs for s in slices)
        ),
        "false-discovery rate": kind.TextColumn(
            "false-discovery rate",
            help="Least rate of false discoveries at which this slice is listed "
            "(Benjamini-Hochberg over all slices tried).",
        ),
        "folded": kind.TextColumn("same pairs as", width="large"),
    }


def _pick(key: str, names: list[str]) -> None:
    at = controls.opened_row(key, len(names))
    if at is not None:
        _apply(names[at])


def _apply(name: str) -> None:
    selection.change(compare={"slice": name, "page": 1})
