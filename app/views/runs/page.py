"""Runs: which student, and can I trust that?"""

from importlib import import_module

import streamlit as st

from app import state
from app.kit import controls
from app.services.runs import listing
from app.shell import frame
from app.views.runs import drift, finding, table

VIEWS = {
    "one": "One run",
    "diff": "Side by side",
    "parallel": "Parallel axes",
    "frontier": "Frontier",
    "sweep": "Sweeps",
    "trash": "Trash",
}
view = listing.runs_view()
frame.finding(finding.sentence(view))
drift.draw(view)
table.draw(view)
with st.container(key="runs_views"):
    controls.choose("runs.tab", "Part of the page", VIEWS)
# only the open part is imported and run; the state lets no other name through
part = import_module(f"app.views.runs.{state.now().runs.tab}")
part.draw(view)
