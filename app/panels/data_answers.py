"""Bring answers: a file of what a model elsewhere said, for the teacher or the student."""

import streamlit as st

from app import state
from app.panels import data_draft
from app.services import Board, data_head, data_scoring
from app.services import data_standing as standing
from app.texts import md
from kdcore.errors import LabError
from kdcore.exports import pairs_csv

NAME = "answers"
KINDS = {
    "auto": "what the column names say",
    "logits": "logits, one a grade",
    "probabilities": "probabilities, one a grade",
    "relevance": "one number: P(relevant), 0 to 1",
    "logit": "one number: the logit of P(relevant)",
    "score": "one number: a free score, more is better",
}
_HELP = (
    "CSV, TSV, JSON lines or Parquet. Rows in the order of the pairs, or with columns query and "
    "title (and description). Columns logit_0, logit_1, …; prob_0, prob_1, …; relevance; or score."
)


def draw(board: Board, closed: bool) -> None:
    """Upload, what the numbers mean, for whom, and the button."""
    data_draft.uploader(
        NAME, "A file of answers to these pairs", several=False, disabled=closed, help=_HELP
    )
    _template(board)
    held = data_draft.draft(NAME)
    if held.said:
        data_draft.tell(held.said, held.causes)
    left, right = st.columns(2)
    with left:
        role = st.radio("They are", ("teacher", "student"), horizontal=True, key="data_role")
        kind = st.selectbox(
            "The numbers are",
            list(KINDS),
            format_func=lambda key: KINDS[key],
            key="data_kind",
            persist_state="session",
        )
    with right:
        name = st.text_input(
            "Name of the model",
            value="",
            placeholder=f"my {role}",
            max_chars=60,
            key="data_model_name",
            persist_state="session",
        )
        column = _column()
    _offer(board, role or "teacher", name or f"my {role}", kind or "auto", column, closed)
    told = st.session_state.pop("kd_brought", ())
    if told:
        st.success("The pages show them now. " + md("; ".join(told)) + ".")


def _offer(board: Board, role: str, name: str, kind: str, column: str, closed: bool) -> None:
    """The button, and what stands in its way: no file, or a name that is taken."""
    held = data_draft.draft(NAME)
    known = board.pairs.content_hash
    taken = bool(held.staged) and data_scoring.answers_taken(board.data, name, known)
    over = taken and st.checkbox(
        f"Take the place of the answers of {md(repr(name))} that are there",
        key=f"data_answers_replace_{name}",
    )
    pressed = st.button(
        "Bring them",
        type="primary",
        disabled=closed or held.staged is None or (taken and not over),
        key="data_bring_answers",
        width="stretch",
    )
    if taken and not over:
        st.caption("That name is taken: choose another, or let them take that place.")
    if pressed:
        _bring(board, role, name, data_scoring.Reading(kind, column, over))


def _column() -> str:
    """Which column holds the number, where the file has several."""
    held = data_draft.draft(NAME).staged
    seen = data_head.head(held) if held else None
    names = ["", *(seen.columns if seen else ())]
    picked = st.selectbox(
        "Column of the number",
        names,
        format_func=lambda key: key or "found by its name",
        key=f"data_column_{len(names)}",
    )
    return picked or ""


def _template(board: Board) -> None:
    """The pairs as a file that a model elsewhere can read, and add its answers to."""
    st.download_button(
        f"The {len(board.pairs):,} pairs as CSV",
        lambda: pairs_csv(board.pairs, {}),
        file_name=f"{board.data.key}-pairs.csv",
        mime="text/csv",
        key="data_pairs_csv",
        help="In the order in which answers are expected; keep the columns, or the order.",
    )


def _bring(board: Board, role: str, name: str, how: data_scoring.Reading) -> None:
    held = data_draft.draft(NAME).staged
    if held is None:
        return
    part = standing.on_pages(board)
    try:
        with st.spinner("Aligning the answers…"):
            key, notes = data_scoring.bring_answers(held, board.data, part, name, how)
    except LabError as error:
        data_draft.tell(*data_draft.words(error))
        return
    data_draft.clear(NAME)
    state.change(**{role: key})
    st.session_state["kd_brought"] = notes
    st.rerun()
