"""Tags and a note on a run, saved in the visitor's workspace."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app import services
from app.kit.texts import md
from app.services.runs import listing
from app.services.runs.entry import Entry
from app.state.keys import MARKS_TROUBLE
from kdcore.errors import LabError
from kdcore.runs.marks import LONGEST, tags_of

SAVED = "Kept in your workspace; another window's changes to other runs are left alone."


def draw(entry: Entry) -> None:
    """Two fields; each is saved when it is left."""
    st.markdown("**Tags and note**")
    tags = {"placeholder": "candidate, T sweep", "max_chars": 400}
    _field(st.text_input, "Tags, with commas between", entry, "tags", tags)
    _field(st.text_area, "Note", entry, "note", {"max_chars": LONGEST, "height": 110})
    if trouble := st.session_state.pop(MARKS_TROUBLE, ""):
        st.error(md(trouble))
    st.caption(services.PUBLIC_REASON if services.public() else SAVED)


def _field(
    widget: Callable[..., Any], label: str, entry: Entry, name: str, options: Mapping[str, Any]
) -> None:
    """name: of the field of the run's marks."""
    key = f"runs_{'tag' if name == 'tags' else name}_{entry.key}"
    value = getattr(entry.mark, name)
    st.session_state[key] = value if isinstance(value, str) else ", ".join(value)
    args = (entry.key, name, key)
    widget(label, key=key, on_change=_save, args=args, disabled=services.public(), **options)


def _save(run: str, name: str, key: str) -> None:
    value = st.session_state[key]
    try:
        listing.keep_mark(run, **{name: tags_of(value) if name == "tags" else value})
    except LabError as cause:
        st.session_state[MARKS_TROUBLE] = str(cause)
    except OSError:
        st.session_state[MARKS_TROUBLE] = "The workspace cannot be written to."
