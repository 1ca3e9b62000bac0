"""Watching a run: its curves and its pinned pairs, live while it learns and replayed afterwards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.texts import md
from app.services.live import run as live
from app.state import keys
from app.views.distill.parts.run_watch import Watch, run_watch
from kdcore.runs.store import Run

_COLUMNS = ("step", "loss", "validation_roc_auc", "validation_nll", "pairs_per_second")


def draw(run_id: str) -> None:
    """The picture of a run. It follows by itself; the page runs again once, at the run's end."""
    run = live.find(run_id)
    if run is None:
        _gone(run_id)
        return
    st.fragment(_watch)(run)


def _watch(run: Run) -> None:
    if st.session_state.pop(keys.RUN_ENDED, False):
        services.sources.clear()  # a model that has just answered is on offer at once
        st.rerun()
    live.ask_teacher(run, ask=not services.public())
    found = live.answer(run.id)
    if found is None:  # another tab has discarded it meanwhile
        _gone(run.id)
        return
    now, target = state.now().watch, f"run_watch_{run.id}"
    twin = found.get("twin")
    with st.container(key=target):
        run_watch(
            Watch(
                run=run.id,
                target=target,
                weights=dict(zip(("soft", "hard"), run.weights, strict=True)),
                taught=run.is_distilled,
                step=now.step,
                metric=now.metric,
                run_over=found["status"]["state"] in live.OVER,
                twin_over=twin is None or twin["state"] in live.OVER,
                about=run.label,
            ),
            f"watch_{run.id}",
            _heard,
            _ended,
        )
    lines = pd.DataFrame(found["student"]["lines"]).reindex(columns=list(_COLUMNS))
    caption = Caption(f"Training of {run.label}", _source(run))
    controls.exports(target, lines, "The curves of the run.", f"run={run.id}", caption)


def _source(run: Run) -> str:
    """What the picture's last line names: run, teacher, data, and the pairs learned from."""
    parts = [f"run {run.id}"]
    if run.teacher:
        parts.append(f"teacher {Path(run.teacher).name}")  # a folder of this machine is no name
    parts.append(f"data {run.data or 'not named'}")
    if run.limit > 0:
        parts.append(f"learned from {run.limit:,} pairs")
    return " · ".join(parts)


def _gone(run_id: str) -> None:
    st.info(f"No run here is called {md(run_id)}: it may have been discarded.")


def _heard(said: Any) -> None:
    if isinstance(said, Mapping):
        sent = {key: said[key] for key in ("wstep", "wmetric") if key in said}
        state.change(**state.of_keys(sent))


def _ended() -> None:
    st.session_state[keys.RUN_ENDED] = True
