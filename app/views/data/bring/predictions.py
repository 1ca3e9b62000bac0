"""Import predictions: the form for a file of what a model made elsewhere gave for these pairs."""

import streamlit as st

from app import state
from app.kit import error_box
from app.kit.texts import md
from app.services import Board, standing
from app.state import keys
from app.views.data.bring import answer_columns, draft
from app.views.data.queries import answers
from app.views.data.queries.answers import AnswerForm, AnswerLook, Who
from app.views.data.queries.intake import Staged
from kdcore.data.answers.choice import KINDS
from kdcore.data.answers.imported import Read
from kdcore.errors import LabError
from kdcore.evaluation.exports import pairs_csv
from kdcore.predictions import ROLES

NAME = "answers"
ROLE_NAMES = {
    "teacher": "Teacher",
    "student": "Student, distilled",
    "twin": "Twin: the student, labels only",
    "other": "Other",
}
ANY = ""
_HELP = (
    "CSV, TSV, JSON, Parquet or Excel, packed or not. One row per pair: in the order of the pairs, "
    "or with their query and title. One column per grade (p_exact, logit_0, …), or one score."
)


def draw(board: Board, closed: bool) -> None:
    """The model's role and name, and the upload."""
    who = _who(board)
    draft.uploader(
        NAME, "A file of predictions for these pairs", several=False, disabled=closed, help=_HELP
    )
    _template(board)
    held = draft.draft(NAME)
    if held.said:
        error_box.draw(held.said, held.causes)
    st.session_state[keys.IMPORTED_MODEL] = who
    for sentence in st.session_state.pop(keys.IMPORTED, ()):
        st.success(md(sentence), icon=":material/check:")


def draw_file(board: Board, closed: bool) -> None:
    """What the uploaded file holds, how it is read, and the button; nothing without a file."""
    staged = draft.draft(NAME).staged
    who = st.session_state.get(keys.IMPORTED_MODEL, Who())
    if staged is None:
        return
    part = standing.on_pages(board)
    with st.container(border=True, key="data_answers_file"):
        st.subheader(f"{md(staged.title)}: what was read", anchor=False)
        form = answer_columns.form(staged, board)
        look = answers.look(staged, board.data, part, form)
        if look.brought is not None:
            _read(look.brought.read)
        else:
            error_box.draw(look.error, look.causes)
        answer_columns.preview(staged)
        _offer(board, staged, who, form, look, closed)


def _who(board: Board) -> Who:
    role = st.radio(
        "Role", ROLES, format_func=lambda key: ROLE_NAMES[key], horizontal=True, key="data_role"
    )
    name = st.text_input(
        "Name of the model",
        value="",
        placeholder=Who(role=role or "other").title,
        max_chars=60,
        key="data_model_name",
        persist_state="session",
    )
    student = ANY
    if role == "twin":
        known = answers.students(board.data, board.all_pairs.content_hash)
        student = st.selectbox(
            "Twin of",
            [*known, ANY],
            format_func=lambda key: key or "any imported student",
            key=f"data_twin_of_{len(known)}",
            help="The same student, trained on the labels without a teacher.",
        )
    return Who(name or "", role or "other", student or ANY)


def _read(read: Read) -> None:
    """Which column was taken for what, how rows found their pairs, and all notes."""
    columns = read.columns
    parts = {"Query": columns.query, "Title": columns.title, "Description": columns.description}
    rows = [f"{ours}: {md(theirs) if theirs else '—'}" for ours, theirs in parts.items()]
    rows.append(f"Predictions: {md(', '.join(columns.answer))} ({KINDS[columns.kind]})")
    if columns.label:
        rows.append(f"Label, not used as a prediction: {md(columns.label)}")
    if columns.ignored:
        rows.append(f"Not used: {md(', '.join(columns.ignored))}")
    st.markdown(f"**{read.answered:,} of {read.pairs:,} pairs** · " + " · ".join(rows))
    st.caption(md("; ".join((f"Rows were matched {read.aligned}", *read.notes)) + "."))


def _offer(
    board: Board, staged: Staged, who: Who, form: AnswerForm, look: AnswerLook, closed: bool
) -> None:
    """The import button, or why it is disabled: an unreadable file, a name that is taken."""
    taken = answers.taken(board.data, who.title, board.all_pairs.content_hash)
    over = taken and st.checkbox(
        f"Replace the predictions of {md(repr(who.title))} that are here",
        key=f"data_answers_replace_{who.title}",
    )
    blocked = closed or look.brought is None or (taken and not over)
    if taken and not over:
        st.caption("There are predictions of that name: choose another name, or replace them.")
    left, right = st.columns([3, 1])
    pressed = left.button(
        f"Import predictions of {md(who.title)} as {ROLE_NAMES[who.role].lower()}",
        type="primary",
        disabled=blocked,
        key="data_bring_answers",
        width="stretch",
    )
    right.button(
        "Remove the file", on_click=draft.clear, args=(NAME,), key="data_answers_away",
        width="stretch",
    )  # fmt: skip
    if pressed and look.brought is not None:
        _take_in(board, staged, who, form, look.brought.read, bool(over))


def _take_in(
    board: Board, staged: Staged, who: Who, form: AnswerForm, read: Read, over: bool
) -> None:
    part = standing.on_pages(board)
    try:
        shown = answers.take_in(staged, board.data, part, who, form, over=over)
    except LabError as error:
        error_box.draw(*error_box.words(error))
        return
    draft.clear(NAME)
    state.change(**shown)
    said = f"Imported {who.title}: {read.answered:,} of {read.pairs:,} pairs, matched "
    st.session_state[keys.IMPORTED] = (f"{said}{read.aligned}. {'; '.join(read.notes)}.",)
    st.rerun()


def _template(board: Board) -> None:
    """The pairs as a file that a model elsewhere can read, and add its predictions to."""
    st.download_button(
        f"The {len(board.all_pairs):,} pairs as CSV",
        lambda: pairs_csv(board.all_pairs, {}),
        file_name=f"{board.data.key}-pairs.csv",
        mime="text/csv",
        key="data_pairs_csv",
        help="In the order in which predictions are expected; keep the columns, or the order.",
    )
