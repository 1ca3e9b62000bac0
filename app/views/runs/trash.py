"""Deleted runs, for a week: each can be taken back."""

from datetime import datetime

import streamlit as st

from app import services, state
from app.kit.texts import md
from app.services.runs import listing
from app.services.runs.listing import RunsView
from app.views.runs.queries import change
from kdcore.errors import LabError
from kdcore.runs.store import Run, RunStore
from kdcore.trash import LIFETIME, Trashed


def draw(view: RunsView) -> None:
    """A line a deleted run, the latest first, with the button that restores it."""
    store = RunStore(services.home().runs)
    thrown = sorted(store.trashed(), key=lambda t: -t.at)
    if not thrown:
        st.caption("Nothing is in the trash. A run that you delete stays here for a week.")
        return
    for each in thrown:
        with st.container(horizontal=True, vertical_alignment="center", key=f"trash_{each.id}"):
            if st.button(
                "Take back",
                icon=":material/undo:",
                key=f"restore_{each.id}",
                disabled=services.public(),
                help=services.PUBLIC_REASON if services.public() else f"Restore {each.id}.",
            ):
                _restore(each.id)
            gone = datetime.fromtimestamp(each.at).strftime("%Y-%m-%d %H:%M")
            last = datetime.fromtimestamp(each.at + LIFETIME).strftime("%Y-%m-%d")
            st.caption(f"{_named(each)}, deleted {gone}, kept until {last}")


def _named(one: Trashed) -> str:
    """A deleted run's title and id."""
    title = Run.load(one.folder).title
    return f"**{md(title)}** ({md(one.id)})" if title and title != one.id else md(one.id)


def _restore(run_id: str) -> None:
    try:
        run = change.restore(run_id)
    except LabError as cause:
        st.error(md(str(cause)))
        return
    state.change(runs={"opened": listing.key_of(run.id), "tab": "one"})
    st.rerun()
