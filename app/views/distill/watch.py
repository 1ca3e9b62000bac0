"""Watching a run: its curves and its pinned pairs, live while it learns and replayed afterwards."""

from collections.abc import Mapping
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
from kdcore.config.teacher import without_folders
from kdcore.runs.store import Run

_OF_GRADES = ["validation_roc_auc", "validation_nll"]
_OF_PRETRAINING = ["masked", "masked_accuracy", "next_ad", "next_ad_accuracy"]


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
    answer = live.answer(run.id)
    if answer is None:  # another tab has discarded it meanwhile
        _gone(run.id)
        return
    now, target, twin = state.now(), f"run_watch_{run.id}", answer.get("twin")
    watch = Watch(
        run=run.id,
        label=run.shown_title,
        target=target,
        weights={"soft": 0.0, **run.weights},  # a training on labels has no soft term
        distilled=run.is_distilled,
        graded=run.gives_grades,
        subject="teacher" if run.role == "teacher" else "student",
        step=now.watch.step,
        metric=now.watch.metric if run.gives_grades else now.runs.pretraining,
        over={
            "run": answer["status"]["state"] in live.OVER,
            "twin": twin is None or twin["state"] in live.OVER,
        },
    )
    with st.container(key=target):
        run_watch(watch, f"watch_{run.id}", _on_moment, _on_end)
    measured = _OF_GRADES if run.gives_grades else [f"validation_{m}" for m in _OF_PRETRAINING]
    columns = ["step", "loss", *run.weights, *measured, "pairs_per_second"]
    lines = pd.DataFrame(answer["student"]["lines"]).reindex(columns=columns)
    # a teacher in a folder of this machine is named without that folder
    teacher = without_folders(run.teacher)
    source = [f"run {run.id}", *([f"teacher {teacher}"] if teacher else [])]
    source.append(f"data {run.data or 'not named'}")
    source += [f"learned from {run.learned_from:,} pairs"] if run.limit > 0 else []
    caption = Caption(f"Training of {run.shown_title}", " · ".join(source))
    controls.exports(target, lines, "The curves of the run.", f"run={run.id}", caption)


def _gone(run_id: str) -> None:
    st.info(f"No run here is called {md(run_id)}: it may have been discarded.")


def _on_moment(sent: Any) -> None:
    if isinstance(sent, Mapping):
        moment = {key: sent[key] for key in ("wstep", "wmetric", "rpretrain") if key in sent}
        state.change(**state.of_keys(moment))


def _on_end() -> None:
    st.session_state[keys.RUN_ENDED] = True
