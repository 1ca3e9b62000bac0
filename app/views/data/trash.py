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
    """Draw the button that deletes the data set, and one that restores each in the trash."""
    home, closed = services.home(), services.public()
    if trouble := st.session_state.pop(keys.DATA_TROUBLE, ""):
        st.error(md(trouble))
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
                on_click=partial(_move, delete_data, board.data.key, home, "world"),
                disabled=closed,
            )
    for deleted in in_trash(home.data):
        key, until = f"{deleted.at:.3f}", datetime.fromtimestamp(deleted.at + LIFETIME)
        with st.container(horizontal=True, vertical_alignment="center", key=f"data_trash_{key}"):
            text = f"{md(deleted.id)} is in the trash until {until.strftime('%Y-%m-%d')}."
            st.caption(text, width="content")
            st.button(
                "Take back",
                icon=":material/undo:",
                key=f"data_restore_{key}",
                on_click=partial(_move, restore_data, deleted.id, home, deleted.id),
                disabled=closed,
            )


def _move(move: Callable[[str, Workspace], object], name: str, home: Workspace, then: str) -> None:
    """Delete or restore a data set, then show another; `draw` shows an error."""
    try:
        refuse_public()
        move(name, home)
    except (LabError, OSError) as cause:
        st.session_state[keys.DATA_TROUBLE] = str(cause)
        return
    state.stand_on(then, data={"tab": "standing"})
