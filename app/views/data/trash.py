"""Deleting an imported data set, and taking one back for a week."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import streamlit as st

from app import services, state
from app.kit.texts import md
from app.services import Board
from app.services.access import refuse_public
from app.state import keys
from kdcore.data.library import delete_data, restore_data
from kdcore.errors import LabError
from kdcore.trash import LIFETIME, in_trash
from kdcore.workspace import Workspace


def draw(board: Board) -> None:
    """The way out for the data set on the table, and back for those in the trash."""
    home, closed = services.home(), services.public()
    if said := st.session_state.pop(keys.DATA_TROUBLE, ""):
        st.error(md(said))
    if board.data.badge == "imported":
        with st.popover("Delete this data set", icon=":material/delete:", disabled=closed):
            st.markdown(
                f"**{md(board.data.title)}** and the predictions imported for it go to the trash "
                "for a week. Runs trained on it stay, but cannot be evaluated again."
            )
            st.button(
                "Move to the trash",
                type="primary",
                key="data_delete",
                on_click=partial(_delete, board.data.key, home),
                disabled=closed,
            )
    for one in in_trash(home.data):
        until = datetime.fromtimestamp(one.at + LIFETIME).strftime("%Y-%m-%d")
        with st.container(
            horizontal=True, vertical_alignment="center", key=f"data_trash_{one.at:.3f}"
        ):
            st.caption(f"{md(one.id)} is in the trash until {until}.", width="content")
            st.button(
                "Take back",
                icon=":material/undo:",
                key=f"data_restore_{one.at:.3f}",
                on_click=partial(_restore, one.id, home),
                disabled=closed,
            )


def _delete(name: str, home: Workspace) -> None:
    _move(lambda: delete_data(name, home), "world")


def _restore(name: str, home: Workspace) -> None:
    _move(lambda: restore_data(name, home), name)


def _move(act: Callable[[], None], then: str) -> None:
    """Do it and stand on other data; what hinders it is told where the visitor is."""
    try:
        refuse_public()
        act()
    except (LabError, OSError) as cause:
        st.session_state[keys.DATA_TROUBLE] = str(cause)
        return
    state.stand_on(then, data={"tab": "standing"})
