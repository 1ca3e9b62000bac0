"""Tags and a note on a run, kept in the visitor's workspace."""

import streamlit as st

from app import services
from app.kit.texts import md
from app.services.runs import listing
from app.services.runs.entry import Entry
from app.state.keys import MARKS_TROUBLE
from kdcore.errors import LabError
from kdcore.runs.marks import LONGEST, tags_of

KEPT = "Kept in your workspace; another window's changes to other runs are left alone."


def draw(entry: Entry) -> None:
    """Two fields; each is kept when it is left."""
    closed = services.public()
    st.markdown("**Tags and note**")
    tags, note = f"runs_tag_{entry.key}", f"runs_note_{entry.key}"
    st.session_state[tags] = ", ".join(entry.mark.tags)
    st.session_state[note] = entry.mark.note
    st.text_input(
        "Tags, with commas between",
        key=tags,
        on_change=_keep,
        args=(entry.key, "tags", tags),
        disabled=closed,
        placeholder="candidate, T sweep",
        max_chars=400,
    )
    st.text_area(
        "Note",
        key=note,
        on_change=_keep,
        args=(entry.key, "note", note),
        disabled=closed,
        max_chars=LONGEST,
        height=110,
    )
    trouble = st.session_state.pop(MARKS_TROUBLE, "")
    if trouble:
        st.error(md(trouble))
    st.caption(services.PUBLIC_REASON if closed else KEPT)


def _keep(key: str, name: str, widget: str) -> None:
    value = st.session_state[widget]
    try:
        listing.keep_mark(key, **{name: tags_of(value) if name == "tags" else value})
    except LabError as cause:
        st.session_state[MARKS_TROUBLE] = str(cause)
    except OSError:
        st.session_state[MARKS_TROUBLE] = "The workspace cannot be written to."
