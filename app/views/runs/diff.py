"""Runs side by side: a column a run, a row a setting or a number, and only what differs."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.texts import md, number, signed, verdict
from app.services.runs import seeds
from app.services.runs.entry import Entry
from app.services.runs.listing import MOST, RunsView
from app.views.runs import columns as runs_columns
from app.views.runs import verdicts as runs_verdicts
from app.views.runs.drift import about
from app.views.runs.finding import interval
from kdcore.metrics.definitions import CATALOG


def draw(view: RunsView) -> None:
    """The chosen runs, else the first that are shown; results first, then settings."""
    runs = (list(view.chosen) if len(view.chosen) > 1 else list(view.shown))[:MOST]
    if len(runs) < 2:
        st.info("Choose two runs or more in the table: they are shown side by side here.")
        return
    only = state.now().runs.differing_only
    table = side_by_side(view, runs, only=only)
    if len(view.chosen) < 2:
        st.caption(f"No runs are chosen: these are the first {len(runs)} of the table.")
    st.dataframe(
        table,
        key="runs_diff_grid",
        hide_index=True,
        width="stretch",
        height=min(560, 38 + 35 * len(table)),
        column_config={
            "": st.column_config.TextColumn("", pinned=True, width="medium"),
            **{c: st.column_config.TextColumn(c, help=md(c)) for c in table.columns[1:]},
        },
        alt=f"{len(runs)} runs as columns; numbers and settings as rows.",
    )
    same = _same(runs) if only else 0
    if same:
        st.caption(f"{same} settings are the same in all {len(runs)} runs and are left out.")
    with st.container(key="runs_diff"):
        sentence = f"{len(runs)} runs side by side, {len(table)} rows."
    controls.exports("runs_diff", table, sentence, about(view), None)


def side_by_side(view: RunsView, runs: Sequence[Entry], *, only: bool) -> pd.DataFrame:
    """The table; columns are named by title, with an id where two titles are equal."""
    names = _names(runs)
    rows: list[list[str]] = [
        ["state", *(e.row.state for e in runs)],
        *_numbers(view, runs),
        ["validation best", *(_validation(e.row.best) for e in runs)],
        ["validation last", *(_validation(e.row.last) for e in runs)],
        ["parameters", *(_count(e.row.parameters) for e in runs)],
        ["MB", *(number(e.row.megabytes or float("nan"), 1) for e in runs)],
        ["p50 ms", *(runs_columns.shown_number(runs_columns.p50(e)) for e in runs)],
        ["seconds", *(number(e.row.seconds or float("nan"), 0) for e in runs)],
        ["tags", *(", ".join(e.mark.tags) for e in runs)],
        ["note", *(e.mark.note for e in runs)],
    ]
    rows = [r for r in rows if any(cell not in ("", "–") for cell in r[1:])]
    for path in ("student.name", "method.name", "data", "teacher"):
        rows.append([path, *(_setting(e, path) for e in runs)])
    for path in runs_columns.setting_columns(runs, everything=not only):
        rows.append([path, *(_setting(e, path) for e in runs)])
    differing = [r for i, r in enumerate(rows) if i < 2 or not only or len(set(r[1:])) > 1]
    return pd.DataFrame(differing, columns=["", *names])


def _numbers(view: RunsView, runs: Sequence[Entry]) -> list[list[str]]:
    name = CATALOG[view.metric].name
    values, deltas, verdicts, beside = [], [], [], []
    twins = seeds.own_twins(view, runs)
    for entry in runs:
        held, delta = entry.row.test.metrics.get(view.metric), view.delta(entry)
        values.append(f"{number(held.value)} {interval(held)}" if held else "–")
        beside.append(
            runs_verdicts.beside_twin(view, entry, twins.get(entry.row.run.folder)) or "–"
        )
        if delta is None:
            is_base = view.base is not None and entry.key == view.base.key
            deltas.append("baseline" if is_base else "–")
            verdicts.append(", ".join(view.apart.get(entry.key, ())))
        else:
            ends = f"[{signed(delta.low)}, {signed(delta.high)}]"
            deltas.append(f"{signed(delta.delta)} {ends}")
            verdicts.append(verdict(delta.verdict, "★"))
    star = f"★ {view.base.title}" if view.base else "★"
    return [
        [f"test {name}", *values],
        ["against its twin", *beside],
        [f"Δ to {star}", *deltas],
        [f"against {star}", *verdicts],
    ]


def _validation(validation: Any) -> str:
    return f"{number(validation.roc_auc)} at step {validation.step:,}" if validation else "–"


def _count(value: int | None) -> str:
    return f"{value:,}" if value is not None else "–"


def _setting(entry: Entry, path: str) -> str:
    value = entry.row.settings.get(path)
    return "" if value is None else str(value)[:300]


def _names(runs: Sequence[Entry]) -> list[str]:
    titles = [e.title for e in runs]
    return [e.title if titles.count(e.title) == 1 else f"{e.title} ({e.key})" for e in runs]


def _same(runs: Sequence[Entry]) -> int:
    every = runs_columns.setting_columns(runs, everything=True)
    return len(every) - len(runs_columns.setting_columns(runs, everything=False))
