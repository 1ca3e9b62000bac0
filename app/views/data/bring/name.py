"""The last step of bringing data: a name, and the button."""

import streamlit as st

from app import state
from app.kit import error_box
from app.kit.texts import counted, shown
from app.views.data.bring import draft
from app.views.data.queries import intake
from app.views.data.queries.intake import Look, Staged
from kdcore.data.library import default_name
from kdcore.data.sources.table import TableReading


def draw(staged: Staged, how: TableReading, look: Look) -> None:
    """Name, choices, button; and why it cannot be pressed."""
    if look.error:
        return
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        name = st.text_input(
            "Name of the data set",
            value=default_name(staged.title.partition(", ")[0])[:60],
            max_chars=100,
            key=f"data_name_{staged.mark}",
            persist_state="session",
        )
    with right:
        skip = bool(look.problems) and st.checkbox(
            f"Leave out {counted(look.counts['rejected'], 'bad row')}; a list of them is saved",
            key=f"data_skip_{staged.mark}",
        )
        taken = intake.is_taken(name or "")
        replace = taken and st.checkbox(
            f"Replace the data set {shown(name or '', 40)!r} that is there",
            key=f"data_replace_{staged.mark}",
        )
    why = ""
    if look.problems and not skip:
        why = "Fix the file and upload it again, or leave its bad rows out."
    elif taken and not replace:
        why = "That name is taken: choose another, or replace the data set that has it."
    pressed = st.button(
        f"Import {counted(look.counts['kept'], 'pair')}",
        type="primary",
        disabled=bool(why),
        key="data_import",
        help=why or None,
    )
    if why:
        st.caption(why)
    if pressed:
        _import(staged, name or "", how, skip, replace)


def _import(staged: Staged, name: str, how: TableReading, skip: bool, replace: bool) -> None:
    with error_box.guard():
        with st.spinner("Importing…"):
            data_set = intake.take_in(staged, name, how, skip_bad=skip, replace=replace)
        draft.clear("data")
        state.stand_on(data_set, data={"tab": "score"})
        st.rerun()
