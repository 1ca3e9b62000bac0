"""The controls of the shown run and its twin, in a bar that stays on the screen."""

import streamlit as st

from app.kit.texts import md
from app.services.live import run as live
from app.views.distill import queue
from app.views.distill.queries import runs
from app.views.distill.queries.runs import LIVE, Line
from kdcore.runs.store import Run

_EVERY = 2.0


def draw(run: Run | None) -> None:
    """Pause, Stop and keep, Discard of the shown run and its twin; nothing while both are over.

    Their own records say whether they live: between the queue and its device a run is in neither.
    """
    pair = [run, live.twin_of(run)] if run is not None else []
    if any(each is not None and each.status().state in LIVE for each in pair):
        st.fragment(_follow, run_every=_EVERY)()


def _follow() -> None:
    lines = queue.in_bar(runs.device_queue())
    if not lines:
        return
    with st.container(key="distill_bar", gap="xxsmall"):
        for line in lines:
            _line(line)


def _line(line: Line) -> None:
    key = f"bar_{line.run.id}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=key):
        role = " · the twin" if line.role == "twin" else ""
        st.markdown(f"**{md(line.title)}**{role} · {queue.standing(line)}", width="stretch")
        with st.container(horizontal=True, gap="xsmall", width="content", key=f"deeds_{key}"):
            queue.buttons(line)
