"""Compare's slice finder: groups of pairs in which distillation cost most, chance kept out."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.kit import controls, sections
from app.kit.sections import Section
from app.kit.texts import md, number, signed, with_signs
from app.services import Board
from app.shell import caveats
from app.views.compare import selection
from app.views.compare.queries import slices as slicing
from kdcore.analysis.attributes import describe
from kdcore.analysis.slices import FEWEST_QUERIES, Slice, Slices

AGAINST = {"teacher": "the teacher", "twin": "the twin without a teacher"}
HELP = (
    "Effect: mean of (student's loss − the other's loss) inside the slice, less the same outside, "
    "in nats per pair at T = 1. Above 0 the student falls behind there more than elsewhere."
)
SIGNED = ("effect", "effect, twin", "effect, teacher", "gap inside", "gap outside")
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
        against = _against(board)
        controls.bound(
            st.slider,
            "compare.slice_pairs",
            "Fewest pairs in a slice",
            min_value=20,
            max_value=1000,
            step=10,
            width=260,
        )
    selection.not_here(board)
    with st.spinner("Trying slices…"):
        found = slicing.search(board, against, state.now().compare.slice_pairs)
    if found is None or not found.tried:
        st.info("No slice is large enough, or too few pairs carry a label: there is none to test.")
        return
    st.text(finding(board, found, against))
    _chosen(board, against)
    if found.slices:
        _table(board, found, against)
    sections.put("slices", lambda: _section(board, found, against))
    with st.expander("How slices are found, and what keeps chance out"):
        st.text(METHOD)


def finding(board: Board, found: Slices, against: slicing.Against) -> str:
    """Where distillation cost most, in one sentence."""
    tried = (
        f"{found.tried:,} slices tried on {found.pairs:,} labelled pairs of {found.queries:,} "
        "queries"
    )
    if slicing.sampled(board.pairs):
        tried += f" (a sample of whole queries, as there are {len(board.pairs):,} pairs)"
    if not found.slices:
        return f"No slice stands out: {tried}, none beyond chance."
    worst = max(found.slices, key=lambda s: s.effect * s.pairs)
    if worst.effect <= 0:
        return f"In no slice does the student lose more than on average: {tried}."
    where = describe(worst.name, board.pairs.scheme)
    return (
        f"Compared with {AGAINST[against]}, the student loses most where {where}: "
        f"{number(worst.effect)} nats more per pair than elsewhere (95 % interval adjusted for "
        f"picking the worst of {found.tried:,} slices: {signed(worst.low)} to "
        f"{signed(worst.high)}; {worst.pairs:,} pairs of {worst.queries:,} queries). {tried}, "
        f"{len(found.slices)} listed."
    )


def _section(board: Board, found: Slices, against: slicing.Against) -> Section:
    table = None
    if found.slices:  # the list of slices with the same pairs can be a page long
        table = view(board, list(found.slices), against).drop(columns="folded")
    return Section("Slices", (finding(board, found, against),), table)


def _against(board: Board) -> slicing.Against:
    if board.twin is None:
        return "teacher"
    controls.choose(
        "compare.slice_opponent", "Student's loss against", AGAINST, label_visibility="visible"
    )
    return "twin" if state.now().compare.slice_opponent == "twin" else "teacher"


def _chosen(board: Board, against: slicing.Against) -> None:
    """The slice that filters the page now, with its effect against both, and the way out."""
    name = state.now().compare.slice
    if not name or slicing.mask(board, name) is None:
        return
    said = []
    for other in (against, _other(against)):
        made = slicing.effect(board, other, name)
        if made is not None and np.isfinite(made.effect):
            said.append(f"{signed(made.effect)} nats against {AGAINST[other]}")
    with st.container(horizontal=True, vertical_alignment="center", key="slice_chosen"):
        st.text(f"The page shows where {describe(name, board.pairs.scheme)}: {'; '.join(said)}.")
        st.button("Show all pairs", icon=":material/close:", on_click=partial(_apply, ""))


def _table(board: Board, found: Slices, against: slicing.Against) -> None:
    shown = list(found.slices)
    names = [s.name for s in shown]
    key = f"slices_{hash(tuple(names)) & 0xFFFFFFFF:x}"
    at = [names.index(state.now().compare.slice)] if state.now().compare.slice in names else []
    with st.container(key="chart_slices"):
        st.dataframe(
            with_signs(view(board, shown, against), *SIGNED),
            key=key,
            hide_index=True,
            width="stretch",
            height=min(420, 38 + 35 * len(shown)),
            column_config=_columns(shown),
            selection_mode="single-cell",
            selection_default={"selection": {"cells": [(row, "slice") for row in at]}},
            on_select=partial(_picked, key, names),
            alt="Table of slices with their effect, interval, support and false-discovery rate.",
        )
    st.caption("Choose a row to show only that slice on the whole page.")


def view(board: Board, slices: list[Slice], against: slicing.Against) -> pd.DataFrame:
    """The slices as a table, with their effect against the other model beside it."""
    other = _other(against)
    beside = [slicing.effect(board, other, s.name) for s in slices]
    frame = {
        "slice": [describe(s.name, board.pairs.scheme) for s in slices],
        "effect": [s.effect for s in slices],
        "95 % interval": [f"{signed(s.low)} to {signed(s.high)}" for s in slices],
        "pairs": [s.pairs for s in slices],
        "queries": [s.queries for s in slices],
        "gap inside": [s.inside for s in slices],
        "gap outside": [s.outside for s in slices],
        "false-discovery rate": [_rate(s.q) for s in slices],
        "folded": ["; ".join(describe(n, board.pairs.scheme) for n in s.also) for s in slices],
    }
    if getattr(board, other) is not None:
        frame[f"effect, {other}"] = [b.effect if b else float("nan") for b in beside]
    return pd.DataFrame(frame)


def _other(against: slicing.Against) -> slicing.Against:
    return "twin" if against == "teacher" else "teacher"


def _rate(q: float) -> str:
    return "< 0.001" if q < 0.001 else number(q)


def _columns(shown: list[Slice]) -> dict[str, Any]:
    kind = st.column_config
    mean = "Mean of (student's loss − the other's loss), nats per pair."
    return {
        "slice": kind.TextColumn("where", width="large"),
        "effect": kind.NumberColumn("effect, nats", help=HELP),
        "effect, twin": kind.NumberColumn("effect against the twin", help=HELP),
        "effect, teacher": kind.NumberColumn("effect against the teacher", help=HELP),
        "95 % interval": kind.TextColumn(
            "95 % interval",
            help="Of the effect, corrected for the choice: of the intervals listed here, whose "
            "slices were chosen out of all tried, at most 5 % miss on average.",
        ),
        "pairs": kind.ProgressColumn(
            "pairs", format="%d", min_value=0, max_value=max(s.pairs for s in shown)
        ),
        "gap inside": kind.NumberColumn("loss gap in the slice", help=mean),
        "gap outside": kind.NumberColumn("loss gap elsewhere", help=mean),
        "false-discovery rate": kind.TextColumn(
            "false-discovery rate",
            help="Least rate of false discoveries at which this slice is listed "
            "(Benjamini-Hochberg over all slices tried).",
        ),
        "folded": kind.TextColumn("same pairs as", width="large"),
    }


def _picked(key: str, names: list[str]) -> None:
    at = controls.opened_row(key, len(names))
    if at is not None:
        _apply(names[at])


def _apply(name: str) -> None:
    selection.change(compare={"slice": name, "page": 1})
