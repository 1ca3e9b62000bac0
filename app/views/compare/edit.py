"""Compare's live edit: change a pair's words, and student and teacher score the edited text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.by_hash import by_hash
from app.kit.texts import counted, md, number, pair_number, signed, with_signs
from app.services import Answers, Board, Scored
from app.services.selection.outcomes import outcomes
from app.state import keys
from app.state.compare import NO_EDIT
from app.views.compare import selection
from app.views.compare.parts.pair_card import Answer, Card, Compared, pair_cards
from app.views.compare.queries.pair_cards import answer_of, texts_of
from kdcore.analysis.counterfactual import word_diff
from kdcore.data.pairs import UNLABELLED
from kdcore.errors import LabError

Texts = tuple[str, str, str]  # query, title, description
FIELDS = {"edited_query": "Query", "edited_title": "Title", "edited_description": "Description"}
KEYS = ("w_equery", "w_etitle", "w_edescription")  # of their widgets
MOST = 50  # edits listed and answers stored in a session
LONGEST = 1000  # characters of a field; data may hold longer texts
ELSEWHERE = (
    "In your own lab you can edit a pair's words here, and student and teacher score the edited "
    "text at once."
)


@dataclass(frozen=True)
class Edit:
    """An edit of a pair: the original's row, the new texts, and P(relevant) with its changes.

    board: the pairs and the models that it was scored by, by their hashes.
    """

    board: str
    row: int
    texts: Texts
    scores: dict[str, float]


def draw(board: Board, rows: pd.DataFrame) -> None:
    """Fields, both answers with deltas to the original, word diff, and the edits so far."""
    if services.public():
        st.info(f"{services.PUBLIC_REASON} {ELSEWHERE}", icon=":material/lock:")
        return
    row = selection.primary(board)
    reason = _reason_against(board.student)
    if reason or row < 0:
        st.info(reason or "Choose a pair first.")
        return
    original = texts_of(board, row)
    edited = _fields(row, original)
    if edited == original:
        st.text(f"Change a word of pair {pair_number(row)}: the student re-scores your edit.")
    elif not edited[0].strip() or not (edited[1].strip() or edited[2].strip()):
        st.warning("Nothing to score: give a query, and a title or a description.")
        return
    _answer(board, row, original, edited)
    _list_edits(board)


def _reason_against(model: Answers | None) -> str:
    """Why a model cannot score an edit, or ""."""
    if model is None:
        return "No model has scored these pairs, so none can score an edit."
    if model.run is None:
        return (
            f"{model.title} was imported as a file of predictions: there is no model here to score "
            "an edited text. Pick a student that was trained here."
        )
    return ""


def present_texts(original: Texts) -> Texts:
    """What stands in the fields: the original text wherever the visitor has typed no other.

    The state holds a text cut and cleaned; one that says no more than the original is the original.
    """
    now = state.now().compare
    if not now.edited:
        return original
    texts = []
    for field, own in zip(FIELDS, original, strict=True):
        typed = getattr(now, field)
        same = len(own) > LONGEST or state.clean(f"compare.{field}", own) == typed
        texts.append(own if same else typed)
    return texts[0], texts[1], texts[2]


def _fields(row: int, original: Texts) -> Texts:
    """Three text fields: the original words until the visitor types over them."""
    present = present_texts(original)
    with st.container(key="edit_fields"):
        for key, label, text in zip(KEYS, FIELDS.values(), present, strict=True):
            st.session_state[key] = text[:LONGEST]
            long = len(text) > LONGEST
            st.text_input(
                label, key=key, max_chars=LONGEST, disabled=long, on_change=_typed, args=(row,)
            )
            if long:
                st.caption(
                    f"{label}: {len(text):,} characters, more than the {LONGEST:,} that this "
                    "field takes. The whole text of the data is scored."
                )
        with st.container(horizontal=True, vertical_alignment="center"):
            controls.bound(
                st.toggle,
                "compare.ask_teacher",
                "Score with the teacher too",
                help=(
                    "The teacher is larger and slower, so it scores your edit only while this "
                    "is on."
                ),
            )
            st.button(
                "Back to the pair's own words",
                icon=":material/undo:",
                on_click=lambda: state.change(compare=NO_EDIT),
                disabled=not state.now().compare.edited,
            )
    return present


def _typed(row: int) -> None:
    _open(row, [st.session_state[key] for key in KEYS])


def _open(row: int, texts: Sequence[str]) -> None:
    """Show these texts over this pair, even when the filters then choose another one."""
    state.change(pair=row, compare={"edited": True, **dict(zip(FIELDS, texts, strict=True))})


def _answer(board: Board, row: int, original: Texts, edited: Texts) -> None:
    """Let the student, and the teacher where it is requested, score the edited texts."""
    models = {"student": board.student}
    if state.now().compare.ask_teacher:
        if refusal := _reason_against(board.teacher):
            st.info(refusal)
        else:
            models = {"teacher": board.teacher, **models}
    columns: list[Answer] = []
    notes: list[str] = []
    for role, model in models.items():
        if model is None:
            continue
        try:
            scored = _scored(board, model, edited)
        except LabError as problem:
            st.warning(md(str(problem)))
            continue
        column = answer_of(board, role, role, np.asarray(scored.logits[0]), UNLABELLED)
        before = float(outcomes(board)[f"{role}_p"].to_numpy(dtype=np.float64)[row])
        columns.append(replace(column, delta=column.relevant - before))
        notes += [f"The {role} {note}." for note in scored.notes]
    if not columns:
        return
    pair_cards([_card(board, row, original, edited, columns)], "edit_cards", "The edited pair")
    st.caption(f"No label: this text has not been graded. {md(' '.join(notes))}")
    if edited != original:
        _remember(Edit(_board_hash(board), row, edited, _scores(columns)))


@by_hash(most=MOST, on=lambda board, model, texts: (board.data.key, board.all_pairs, model, texts))
def _scored(board: Board, model: Answers, texts: Texts) -> Scored:
    """A model's answer to a text, computed once."""
    return services.score(model.run, [texts], services.whole_data(board.data))


def _card(board: Board, row: int, original: Texts, edited: Texts, columns: list[Answer]) -> Card:
    changes = "; ".join(
        f"{c.name} {number(c.relevant - (c.delta or 0.0))} → {number(c.relevant)} "
        f"({signed(c.delta or 0.0)}{_flip(board, row, c)})"
        for c in columns
    )
    fields = zip(FIELDS.values(), original, edited, strict=True)
    diffs = [(label.lower(), word_diff(own, new)) for label, own, new in fields]
    changed = tuple(diff for diff in diffs if any(span.kind != "same" for span in diff[1]))
    pair = f"pair {pair_number(row)}"
    return Card(
        heading=f"Edit of {pair}" if edited != original else f"{pair.capitalize()}, scored again",
        query=edited[0],
        title=edited[1],
        description=edited[2],
        grades=board.pairs.scheme.grades,
        gold=UNLABELLED,
        says=tuple(columns),
        compared=(
            Compared(f"Compared with the original, {pair}", f"P(relevant): {changes}.", changed),
        ),
    )


def _flip(board: Board, row: int, column: Answer) -> str:
    before = bool(outcomes(board)[f"{column.role}_says"].iat[row])
    return ", its decision flips" if before != (column.decision == "yes") else ""


def _scores(columns: list[Answer]) -> dict[str, float]:
    """P(relevant) by each model and its change, as the list of edits heads them."""
    scores = dict.fromkeys(("student", "change", "teacher", "teacher's change"), float("nan"))
    for column in columns:
        change = "change" if column.role == "student" else "teacher's change"
        scores |= {column.role: column.relevant, change: column.delta or 0.0}
    return scores


def _board_hash(board: Board) -> str:
    """The pairs of the board, its student and its teacher, by their hashes."""
    models = (board.student, board.teacher)
    return "-".join([board.pairs.content_hash, *(a.hash if a else "" for a in models)])


def _remember(edit: Edit) -> None:
    """Put an edit first in the list of this session; one of the same texts gives way."""
    edits: list[Edit] = st.session_state.get(keys.EDITS, [])
    same = (edit.board, edit.row, edit.texts)
    others = [e for e in edits if (e.board, e.row, e.texts) != same]
    st.session_state[keys.EDITS] = [edit, *others][:MOST]


def _list_edits(board: Board) -> None:
    """This session's edits of these pairs with these models, newest first; a row opens one."""
    own = [e for e in st.session_state.get(keys.EDITS, []) if e.board == _board_hash(board)]
    if not own:
        return
    edits = f"{counted(len(own), 'edit')} in this tab, the newest first"
    st.text(f"{edits}. Choose one to open it again.")
    key = f"children_{hash(tuple((e.board, e.row, e.texts) for e in own)) & 0xFFFFFFFF:x}"
    names = ("query", "title", "description")
    table = pd.DataFrame(
        [{"parent": e.row, **dict(zip(names, e.texts, strict=True)), **e.scores} for e in own]
    )
    st.dataframe(
        with_signs(table, "change", "teacher's change"),
        key=key,
        hide_index=True,
        width="stretch",
        column_config={
            name: st.column_config.NumberColumn(format="%.3f") for name in ("student", "teacher")
        },
        selection_mode="single-cell",
        on_select=lambda: _reopen(key, own),
        alt="Edits of this session with P(relevant) of student and teacher and their changes.",
    )


def _reopen(key: str, edits: list[Edit]) -> None:
    at = controls.opened_row(key, len(edits))
    if at is not None:
        _open(edits[at].row, edits[at].texts)
