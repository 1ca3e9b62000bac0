"""The run that is watched: what went wrong, its curves and pairs, and what came of it."""

from types import ModuleType

import streamlit as st

from app.components.lead_to import lead_to
from app.panels import distill_start, distill_trouble
from app.services import distilling
from app.texts import md
from kdcore.runs.store import Run


def draw(run: Run | None, watch: ModuleType, judge: ModuleType) -> None:
    """Below the form; the visitor who has just started a run is led here."""
    if run is None:
        st.info("Nothing was trained here yet: press Start, and its curves appear here.")
        return
    with st.container(key="distill_watched"):
        bundled = "" if distilling.is_own(run) else " (bundled with the lab)"
        st.divider()
        st.subheader(f"Run shown: {md(distilling.name_of(run))}{bundled}", anchor=False)
        distill_trouble.draw(run)
        finished = run.status().state == "finished"
        if finished:
            judge.draw(run.id)
        watch.draw(run.id)
    lead_to(".st-key-distill_watched", distill_start.begun())
