"""Runs side by side: a column a run, a row a setting or a number, and only what differs."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.texts import md, number, signed, verdict
from app.services.runs import seeds
from app.services.runs.entry import Entry
from app.services.runs.listing import MOST, RunsView
from app.views.runs.columns import p50, setting_columns, shown_number
from app.views.runs.drift import inputs
from app.views.runs.finding import interval
from app.views.runs.verdicts import against_twin
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.listing import Validation


def draw(view: RunsView) -> None:
    """The chosen runs, else the first that are shown; results first, then settings."""
    runs = (list(view.chosen) if len(view.chosen) > 1 else list(view.shown))[:MOST]
    if len(runs) < 2:
        st.info("Choose two runs or more in the table: they are shown side by side here.")
        return
    only = state.now().runs.differing_only
    table = side_by_side(view, runs, only=only)
    if len(view.chosen) < 2:
        chosen = "One run is chosen" if view.chosen else "No runs are chosen"
        st.caption(f"{chosen}: these are the first {len(runs)} of the table. Choose two or more.")
    headings = {name: st.column_config.TextColumn(name, help=md(name)) for name in table.columns}
    headings[""] = st.column_config.TextColumn("", pinned=True, width="medium")
    st.dataframe(
        table,
        key="runs_diff_grid",
        hide_index=True,
        width="stretch",
        height=min(560, 38 + 35 * len(table)),
        column_config=headings,
        alt=f"{len(runs)} runs as columns; numbers and settings as rows.",
    )
    differing, every = (setting_columns(runs, everything=each) for each in (False, True))
    if only and (same := len(every) - len(differing)):
        st.caption(f"{same} settings are the same in all {len(runs)} runs and are left out.")
    sentence = f"{len(runs)} runs side by side, {len(table)} rows."
    st.container(key="runs_diff")
    controls.exports("runs_diff", table, sentence, inputs(view), None)


def side_by_side(view: RunsView, runs: Sequence[Entry], *, only: bool) -> pd.DataFrame:
    """The table; columns are named by title, with an id where two titles are equal."""
    titles = [e.title for e in runs]
    names = [e.title if titles.count(e.title) == 1 else f"{e.title} ({e.key})" for e in runs]
    rows: list[list[str]] = [
        ["state", *(e.row.state for e in runs)],
        *_numbers(view, runs),
        ["validation best", *(_validation(e.row.best) for e in runs)],
        ["validation last", *(_validation(e.row.last) for e in runs)],
        ["parameters", *("–" if (n := e.row.parameters) is None else f"{n:,}" for e in runs)],
        ["MB", *(number(e.row.megabytes or float("nan"), 1) for e in runs)],
        ["p50 ms", *(shown_number(p50(e)) for e in runs)],
        ["seconds", *(number(e.row.seconds or float("nan"), 0) for e in runs)],
        ["tags", *(", ".join(e.mark.tags) for e in runs)],
        ["note", *(e.mark.note for e in runs)],
    ]
    rows = [r for r in rows if any(cell not in ("", "–") for cell in r[1:])]
    paths = ["student.name", "method.name", "data", "teacher"]
    for path in [*paths, *setting_columns(runs, everything=not only)]:
        values = [e.row.settings.get(path) for e in runs]
        rows.append([path, *("" if v is None else str(v)[:300] for v in values)])
    differing = [r for i, r in enumerate(rows) if i < 2 or not only or len(set(r[1:])) > 1]
    return pd.DataFrame(differing, columns=["", *names])


def _numbers(view: RunsView, runs: Sequence[Entry]) -> list[list[str]]:
    """The test metric of each run, and its differences to its twin and to the baseline."""
    twins = seeds.own_twins(view, runs)
    star = f"★ {view.base.title}" if view.base else "★"
    rows = [
        [f"test {CATALOG[view.metric].name}"],
        ["against its twin"],
        [f"Δ to {star}"],
        [f"against {star}"],
    ]
    for entry in runs:
        measured, delta = entry.row.test.metrics.get(view.metric), view.delta(entry)
        is_base = view.base is not None and entry.key == view.base.key
        difference = "baseline" if is_base else "–"
        side = ", ".join(view.apart.get(entry.key, ()))
        if delta is not None:
            difference = f"{signed(delta.delta)} [{signed(delta.low)}, {signed(delta.high)}]"
            side = verdict(delta.verdict, "★")
        cells = (
            f"{number(measured.value)} {interval(measured)}" if measured else "–",
            against_twin(view, entry, twins.get(entry.row.run.folder)) or "–",
            difference,
            side,
        )
        for row, cell in zip(rows, cells, strict=True):
            row.append(cell)
    return rows


def _validation(validation: Validation | None) -> str:
    return f"{number(validation.roc_auc)} at step {validation.step:,}" if validation else "–"
