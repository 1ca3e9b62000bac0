"""Runs: which student, and can I trust that?"""

from importlib import import_module

import streamlit as st

from app import controls, frame, state
from app.panels import runs_drift, runs_finding, runs_table
from app.services import runs_list

VIEWS = {
    "one": "One run",
    "diff": "Side by side",
    "parallel": "Parallel axes",
    "frontier": "Frontier",
    "sweep": "Sweeps",
    "trash": "Trash",
}
scene = runs_list.scene()
frame.finding(runs_finding.sentence(scene))
runs_drift.draw(scene)
runs_table.draw(scene)
with st.container(key="runs_views"):
    controls.choose("rview", "Part of the page", VIEWS)
# only the open part is imported and run; the state lets no other name through
part = import_module(f"app.panels.runs_{state.now().rview.replace('one', 'detail')}")
part.draw(scene)
