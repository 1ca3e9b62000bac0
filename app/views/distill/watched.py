"""The run that is watched: what went wrong, its curves and pairs, and what came of it."""

import streamlit as st

from app.kit.texts import md
from app.parts.lead_to import lead_to
from app.views.distill import start, trouble, watch
from app.views.distill.queries import runs
from app.views.distill.verdict import judge
from kdcore.runs.store import Run


def draw(run: Run | None) -> None:
    """Below the form; the visitor who has just started a run is led here."""
    if run is None:
        st.info("Nothing was trained here yet: press Start, and its curves appear here.")
        return
    with st.container(key="distill_watched"):
        bundled = "" if runs.is_own(run) else " (bundled with the lab)"
        st.divider()
        st.subheader(f"Run shown: {md(runs.name_of(run))}{bundled}", anchor=False)
        trouble.draw(run)
        finished = run.status().state == "finished"
        if finished:
            judge.draw(run.id)
        watch.draw(run.id)
    lead_to(".st-key-distill_watched", start.begun())
