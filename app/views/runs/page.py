"""Runs: which student, and can I trust that?"""

from collections.abc import Callable

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
    "curves": "Training curves",
    "sweep": "Sweeps",
    "trash": "Trash",
}


def open_part() -> Callable[[listing.RunsView], None]:
    """The function that draws the open part; the others are not even imported."""
    match state.now().runs.tab:
        case "one":
            from app.views.runs.one import draw
        case "diff":
            from app.views.runs.diff import draw
        case "parallel":
            from app.views.runs.parallel import draw
        case "frontier":
            from app.views.runs.frontier import draw
        case "curves":
            from app.views.runs.curves import draw
        case "sweep":
            from app.views.runs.sweep import draw
        case _:
            from app.views.runs.trash import draw
    return draw


view = listing.runs_view()
listing.hold_baseline(view)
frame.finding(finding.sentence(view))
drift.draw(view)
table.draw(view)
with st.container(key="runs_views"):
    controls.choose("runs.tab", "Part of the page", VIEWS)
open_part()(view)
