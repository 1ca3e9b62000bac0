"""Bring your own: upload a file or point to a path, say what its columns are, check, import."""

import streamlit as st

from app import services
from app.kit import error_box
from app.kit.texts import file_size, md
from app.services import Board
from app.views.data.bring import draft, mapping
from app.views.data.queries import intake

NAME = "data"
_HELP = (
    "CSV, TSV, Excel, JSON or Parquet with a row for each query-ad pair, also packed as .gz or "
    ".zip; XGLUE's own files (several at once) or its archive; qrels, queries and documents of "
    "TREC or BEIR (together, or as a .zip). At most 100 MB. No header needed."
)


def draw(board: Board) -> None:
    """Upload or path, then what to do with it."""
    closed = services.public()
    if closed:
        st.info(services.PUBLIC_REASON, icon=":material/lock:")
    st.caption(
        "Nothing leaves this machine: the file is read here and kept in your own folder. Its "
        "contents are shown as text and never run."
    )
    left, right = st.columns(2, gap="large")
    with left:
        draft.uploader(
            NAME,
            "Upload a table, XGLUE's files or TREC's",
            several=True,
            disabled=closed,
            help=_HELP,
        )
    with right, st.form("data_path_form", border=False):
        text = st.text_input(
            "Or a path on this machine",
            placeholder="~/ads/judged.tsv, or a folder of XGLUE or BEIR",
            key="data_path",
            disabled=closed,
            persist_state="session",
            max_chars=1000,
        )
        if st.form_submit_button("Preview", disabled=closed):
            draft.take(NAME, lambda: intake.point_to(text or ""))
    upload = draft.draft(NAME)
    if upload.error:
        error_box.draw(upload.error, upload.causes)
    elif upload.staged is None:
        _example()
    if upload.staged is None:
        return
    size = f", {file_size(upload.staged.size)}" if upload.staged.size else ""
    with st.container(horizontal=True, vertical_alignment="center", key="data_held"):
        st.markdown(f":material/description: **{md(upload.staged.title)}**{size}")
        st.button("Remove", on_click=draft.clear, args=(NAME,), key="data_away")
    mapping.draw(upload.staged)


def _example() -> None:
    with st.expander("Example of such a table"):
        st.code(
            "query\ttitle\tdescription\tgrade\n"
            "red running shoes\tRed Running Shoes on Sale\tLight, for road and track.\tGood\n"
            "red running shoes\tGarden Hose 20 m\t\tBad",
            language=None,
        )
        st.caption(
            "Only the query and a title (or description) are needed; columns may have any names "
            "and order. Grades are Good and Bad, 0 to 3 or 0 to 4, the four words of ESCI or their "
            "initials, your own words in an order that you give, or none."
        )
