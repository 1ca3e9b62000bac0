"""From imported predictions of pairs to learn from to a distillation on the page Distill."""

import streamlit as st

from app import services
from app.kit.texts import md
from app.parts import lead_to
from app.services import Board, access, draft, score_files
from kdcore.config import TeacherConfig
from kdcore.errors import LabError


def draw(board: Board) -> None:
    """A button for each imported model that scored pairs to learn from; nothing is started."""
    names = _offered(board)
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="data_teach"):
        for name in names[:4]:
            if st.button(
                f"Distill from the scores of {md(name)}",
                key=f"data_teach_{name}",
                icon=":material/school:",
                **access.unless_public(
                    "Opens Distill with these scores as teacher and with the twin; nothing starts "
                    "yet."
                ),
            ):
                _send(board, name)


def _offered(board: Board) -> list[str]:
    return score_files.of_training_pairs(board.data.key, services.whole_data(board.data))


def _send(board: Board, name: str) -> None:
    teacher = TeacherConfig(kind="file", names=(name,)).text
    try:
        draft.fill({"teacher": teacher, "data": board.data.key})
    except LabError as cause:
        st.toast(md(str(cause)), icon=":material/error:")
        return
    lead_to.on_next_page(".st-key-distill_teacher", ".st-key-distill_teacher input")
    st.switch_page("views/distill/page.py")
