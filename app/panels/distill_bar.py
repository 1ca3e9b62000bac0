"""The controls of the shown run and its twin, in a bar that stays on the screen."""

import streamlit as st

from app.panels import distill_queue
from app.services import distilling
from app.services.distilling import Line
from app.texts import md
from kdcore.runs.store import Run

_EVERY = 2.0


def draw(run: Run | None) -> None:
    """Pause, Stop and keep, Discard of the shown run and its twin; nothing while both are over."""
    if run is not None and distill_queue.in_bar(distilling.bench()):
        st.fragment(_follow, run_every=_EVERY)()


def _follow() -> None:
    lines = distill_queue.in_bar(distilling.bench())
    if not lines:
        return
    with st.container(key="distill_bar", gap="xxsmall"):
        for line in lines:
            _line(line)


def _line(line: Line) -> None:
    key = f"bar_{line.run.id}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=key):
        role = " · the twin" if line.role == "twin" else ""
        st.markdown(f"**{md(line.title)}**{role} · {distill_queue.standing(line)}", width="stretch")
        with st.container(horizontal=True, gap="xsmall", width="content", key=f"deeds_{key}"):
            distill_queue.buttons(line)
