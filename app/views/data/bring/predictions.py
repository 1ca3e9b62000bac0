"""Import predictions: the form for a file of what a model made elsewhere gave for these pairs."""

import streamlit as st

from app import state
from app.kit import error_box
from app.kit.texts import md
from app.services import Board, score_files, standing
from app.state import keys
from app.views.data.bring import answer_columns, draft, mapping
from app.views.data.queries import answers, head
from app.views.data.queries.answers import AnswerForm, Model
from app.views.data.queries.intake import Staged
from kdcore.data.answers.choice import KINDS
from kdcore.data.answers.imported import Read
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
    "or with their query and title, or with the ids that the imported table gave them. One column "
    "per grade (p_exact, logit_0, …), or one score. Also a TREC run, matched by the ids of queries "
    "and documents."
)


def draw(board: Board, closed: bool) -> None:
    """The model's role and name, and the upload."""
    st.session_state[keys.IMPORTED_MODEL] = _model(board)
    draft.uploader(
        NAME, "A file of predictions for these pairs", several=False, disabled=closed, help=_HELP
    )
    st.download_button(
        f"The {len(board.all_pairs):,} pairs as CSV",
        lambda: pairs_csv(board.all_pairs, {}),
        file_name=f"{board.data.key}-pairs.csv",
        mime="text/csv",
        key="data_pairs_csv",
        help="In the order in which predictions are expected; keep the columns, or the order.",
    )
    upload = draft.draft(NAME)
    if upload.error:
        error_box.draw(upload.error, upload.causes)
    if sentence := st.session_state.pop(keys.IMPORTED, ""):
        st.success(md(sentence), icon=":material/check:")


def draw_file(board: Board, closed: bool) -> None:
    """What the uploaded file holds, how it is read, and the button; nothing without a file."""
    staged = draft.draft(NAME).staged
    model = st.session_state.get(keys.IMPORTED_MODEL, Model())
    if staged is None:
        return
    with st.container(border=True, key="data_answers_file"):
        st.subheader(f"{md(staged.title)}: what was read", anchor=False)
        seen = head.head(staged, lists=True)
        form = answer_columns.form(staged, seen, board)
        read: Read | None = None
        with error_box.guard():
            read = answers.read(staged, board.data, standing.on_pages(board), form).read
            _read(read)
        mapping.first_rows(seen)
        _offer(board, staged, model, form, read, closed)


def _model(board: Board) -> Model:
    role = st.radio(
        "Role", ROLES, format_func=lambda key: ROLE_NAMES[key], horizontal=True, key="data_role"
    )
    name = st.text_input(
        "Name of the model",
        value="",
        placeholder=Model(role=role or "other").title,
        max_chars=60,
        key="data_model_name",
        persist_state="session",
    )
    student = ANY
    if role == "twin":
        names = answers.students(board.data, board.all_pairs.content_hash)
        student = st.selectbox(
            "Twin of",
            [*names, ANY],
            format_func=lambda key: key or "any imported student",
            key=f"data_twin_of_{len(names)}",
            help="The same student, trained on the labels without a teacher.",
        )
    return Model(name or "", role or "other", student or ANY)


def _read(read: Read) -> None:
    """Which column was taken for what, how rows found their pairs, and all notes."""
    columns = read.columns
    parts = {"Query": columns.query, "Title": columns.title, "Description": columns.description}
    if columns.ad_id:
        parts = {"Query id": columns.query_id, "Ad id": columns.ad_id}
    if columns.pair_id:
        parts = {"Id of the pair": columns.pair_id}
    rows = [f"{ours}: {md(theirs) if theirs else '—'}" for ours, theirs in parts.items()]
    rows.append(f"Predictions: {md(', '.join(columns.answer))} ({KINDS[columns.kind]})")
    if columns.label:
        rows.append(f"Label, not used as a prediction: {md(columns.label)}")
    if columns.ignored:
        rows.append(f"Not used: {md(', '.join(columns.ignored))}")
    st.markdown(f"**{read.answered:,} of {read.pairs:,} pairs** · " + " · ".join(rows))
    st.caption(md(_sentences(f"rows were matched {read.aligned}", *read.notes)))


def _sentences(*notes: str) -> str:
    return " ".join(f"{note[:1].upper()}{note[1:]}." for note in notes)


def _offer(
    board: Board, staged: Staged, model: Model, form: AnswerForm, read: Read | None, closed: bool
) -> None:
    """The import button, or why it is disabled: an unreadable file, a name that is taken."""
    part = standing.on_pages(board)
    others = _others(staged, board, model, form) if read and read.rows > read.answered else []
    parts = answers.hashes(board.data, part, (part, *others))
    taken = any(answers.is_taken(board.data, model.title, each) for each in parts)
    replace = taken and st.checkbox(
        f"Replace the predictions of {md(repr(model.title))} that are here",
        key=f"data_answers_replace_{model.title}",
    )
    clash = taken and not replace
    if clash:
        st.caption("There are predictions of that name: choose another name, or replace them.")
    left, right = st.columns([3, 1])
    pressed = left.button(
        f"Import predictions of {md(model.title)} as {ROLE_NAMES[model.role].lower()}",
        type="primary",
        disabled=closed or read is None or clash,
        key="data_bring_answers",
        width="stretch",
    )
    right.button(
        "Remove the file", on_click=draft.clear, args=(NAME,), key="data_answers_away",
        width="stretch",
    )  # fmt: skip
    if not pressed or read is None:
        return
    with error_box.guard():
        shown = answers.take_in(
            staged, board.data, part, model, form, replace=bool(replace), others=others
        )
        draft.clear(NAME)
        state.change(**shown)
        st.session_state[keys.IMPORTED] = (
            f"Imported {model.title}: {read.answered:,} of {read.pairs:,} pairs, matched "
            f"{read.aligned}{', and of ' + ' and '.join(others) if others else ''}. "
            f"{_sentences(*read.notes)}"
        )
        st.rerun()


def _others(staged: Staged, board: Board, model: Model, form: AnswerForm) -> list[str]:
    """The other splits that the file answers too, where the visitor keeps them."""
    part = standing.on_pages(board)
    counts = answers.elsewhere(staged, board.data, part, form)
    if not counts:
        return []
    listed = " and ".join(f"{count:,} pairs of {split}" for split, count in counts.items())
    too = st.checkbox(
        f"Import the scores of {listed} too",
        value=model.role == "teacher" and bool(score_files.LEARNED & counts.keys()),
        key=f"data_answers_others_{model.role}",
        help=f"The pages show the {part} pairs. A student learns from scores of training pairs: "
        "with them, Distill offers this model as a teacher.",
    )
    return list(counts) if too else []
