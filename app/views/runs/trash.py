"""Deleted runs, for a week: each can be restored."""

from datetime import datetime

import streamlit as st

from app import services, state
from app.kit import error_box
from app.kit.texts import md
from app.services import access
from app.services.runs import listing
from app.services.runs.listing import RunsView
from kdcore.errors import RunError
from kdcore.runs.store import Run, RunStore
from kdcore.trash import LIFETIME, Trashed


def draw(view: RunsView) -> None:
    """A line per deleted run, the latest first, with the button that restores it."""
    deleted = sorted(RunStore(services.home().runs).trashed(), key=lambda each: -each.at)
    if not deleted:
        st.caption("Nothing is in the trash. A run that you delete stays here for a week.")
        return
    for each in deleted:
        with st.container(horizontal=True, vertical_alignment="center", key=f"trash_{each.id}"):
            pressed = st.button(
                "Take back",
                icon=":material/undo:",
                key=f"restore_{each.id}",
                **access.unless_public(f"Restore {each.id}."),
            )
            if pressed:
                with error_box.guard():
                    run = restore(each.id)
                    state.change(runs={"opened": listing.key_of(run.id), "tab": "one"})
                    st.rerun()
            gone = datetime.fromtimestamp(each.at).strftime("%Y-%m-%d %H:%M")
            last = datetime.fromtimestamp(each.at + LIFETIME).strftime("%Y-%m-%d")
            st.caption(f"{_name(each)}, deleted {gone}, kept until {last}")


def delete(run: Run) -> None:
    """Move a run of the visitor's workspace to its trash; RunError where that cannot be."""
    access.refuse_public()
    if run.folder.parent != access.home().runs:
        raise RunError("a run of the bundled demo stays")
    try:
        RunStore(access.home().runs).trash(run.id)
    except OSError as cause:
        raise RunError(f"{run.id} cannot be moved: {cause.strerror or cause}") from cause


def restore(run_id: str) -> Run:
    """Take a run out of the trash; RunError where that cannot be."""
    access.refuse_public()
    try:
        return RunStore(access.home().runs).restore(run_id)
    except OSError as cause:
        raise RunError(f"{run_id} cannot be taken back: {cause.strerror or cause}") from cause


def _name(deleted: Trashed) -> str:
    """A deleted run's title and id."""
    title = Run.load(deleted.folder).title
    return (
        f"**{md(title)}** ({md(deleted.id)})" if title and title != deleted.id else md(deleted.id)
    )
