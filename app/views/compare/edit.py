"""Compare's live edit: change a pair's words, and student and teacher answer the child."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.texts import md, number, pair_number, signed, with_signs
from app.services import Answers, Board, Scored
from app.state import keys
from app.state.compare import NO_EDIT
from app.views.compare import answers, selection
from app.views.compare.parts.pair_card import Card, Compared, Says, pair_cards
from kdcore.analysis.counterfactual import word_diff
from kdcore.data.pairs import UNLABELLED
from kdcore.errors import LabError

Texts = tuple[str, str, str]
FIELDS = ("edited_query", "edited_title", "edited_description")
KEYS = ("w_equery", "w_etitle", "w_edescription")  # of their widgets
LABELS = ("Query", "Title", "Description")
MOST = 50  # children and answers kept in a session
LONGEST = 1000  # characters of a field; data may hold longer texts
ELSEWHERE = (
    "In your own lab you can edit a pair's words here, and student and teacher score the edited "
    "text at once."
)


@dataclass(frozen=True)
class Child:
    """An edit of a pair: the parent's row, its texts, and what was answered.

    on: the pairs and the models that it was made on, by their hashes.
    """

    on: str
    parent: int
    texts: Texts
    student: float
    student_change: float
    teacher: float
    teacher_change: float


def draw(board: Board, rows: pd.DataFrame) -> None:
    """Fields, both answers with deltas to the parent, word diff, and the children so far."""
    if services.public():
        st.info(f"{services.PUBLIC_REASON} {ELSEWHERE}", icon=":material/lock:")
        return
    row = selection.primary(board)
    reason = _off(board.student)
    if reason or row < 0:
        st.info(reason or "Choose a pair first.")
        return
    parent = answers.texts(board, row)
    child = _fields(row, parent)
    if child == parent:
        st.text(f"Change a word of pair {pair_number(row)}: the student re-scores your edit.")
    elif not child[0].strip() or not (child[1].strip() or child[2].strip()):
        st.warning("Nothing to score: give a query, and a title or a description.")
        return
    _answer(board, row, parent, child)
    _children(board)


def _off(who: Answers | None) -> str:
    """Why a model cannot be asked, or ""."""
    if who is None:
        return "No model has scored these pairs, so none can score an edit."
    if who.run is None:
        return (
            f"{who.title} was imported as a file of predictions: there is no model here to score "
            "an edited text. Pick a student that was trained here."
        )
    return ""


def present_texts(parent: Texts) -> Texts:
    """What stands in the fields: the parent's own text wherever nobody typed another.

    The state holds a text cut and cleaned; one that says no more than the parent's is the parent's.
    """
    now = state.now().compare
    if not now.edited:
        return parent
    query, title, description = (
        own if len(own) > LONGEST or state.clean(f"compare.{name}", own) == typed else typed
        for name, own, typed in zip(
            FIELDS,
            parent,
            (now.edited_query, now.edited_title, now.edited_description),
            strict=True,
        )
    )
    return query, title, description


def _fields(row: int, parent: Texts) -> Texts:
    """Three text fields: the parent's words until somebody types over them."""
    now, present = state.now().compare, present_texts(parent)
    with st.container(key="edit_fields"):
        for key, label, text in zip(KEYS, LABELS, present, strict=True):
            st.session_state[key] = text[:LONGEST]
            long = len(text) > LONGEST
            st.text_input(
                label,
                key=key,
                max_chars=LONGEST,
                disabled=long,
                on_change=_typed,
                args=(row,),
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
                on_click=_undo,
                disabled=not now.edited,
            )
    return present


def _typed(row: int) -> None:
    """What was typed, over this pair: filters that choose another one now do not take it along."""
    texts = (st.session_state[key] for key in KEYS)
    state.change(pair=row, compare={"edited": True, **dict(zip(FIELDS, texts, strict=True))})


def _undo() -> None:
    state.change(compare=NO_EDIT)


def _answer(board: Board, row: int, parent: Texts, child: Texts) -> None:
    asked = [("student", board.student)]
    refused = _off(board.teacher)
    if state.now().compare.ask_teacher and not refused:
        asked.insert(0, ("teacher", board.teacher))
    elif state.now().compare.ask_teacher:
        st.info(refused)
    says: list[Says] = []
    spoken: list[str] = []
    for role, who in asked:
        if who is None:
            continue
        try:
            made = _scored(board, who, child)
        except LabError as problem:
            st.warning(md(str(problem)))
            continue
        before = _own(board, row, role)
        shown = answers.column(board, role, role, np.asarray(made.logits[0]), UNLABELLED)
        says.append(replace(shown, delta=shown.relevant - before))
        spoken += [f"The {role} {note}." for note in made.notes]
    if not says:
        return
    pair_cards([_card(board, row, parent, child, says)], "edit_cards", "The edited pair")
    st.caption(f"No label: this text has not been graded. {md(' '.join(spoken))}")
    if child != parent:
        _remember(Child(_on(board), row, child, *_both(says, "student"), *_both(says, "teacher")))


def _on(board: Board) -> str:
    """The pairs and the models on the table, by their hashes."""
    who = (board.student, board.teacher)
    return "-".join([board.pairs.content_hash, *(a.hash if a else "" for a in who)])


def _scored(board: Board, who: Answers, texts: Texts) -> Scored:
    """A model's answer, asked once for each text in a session."""
    held: dict[Any, Scored] = st.session_state.setdefault(keys.EDITS_SCORED, {})
    key = (who.key, who.hash, texts)
    if key not in held:
        held[key] = services.score(who.run, [texts], services.whole_data(board.data))
        while len(held) > MOST:
            del held[next(iter(held))]
    return held[key]


def _own(board: Board, row: int, role: str) -> float:
    said = selection.judged(board)[f"{role}_p"].to_numpy(dtype=np.float64)
    return float(said[row])


def _card(board: Board, row: int, parent: Texts, child: Texts, says: list[Says]) -> Card:
    scheme = board.pairs.scheme
    moved = "; ".join(
        f"{s.name} {number(s.relevant - (s.delta or 0.0))} → {number(s.relevant)} "
        f"({signed(s.delta or 0.0)}{_flip(board, row, s)})"
        for s in says
    )
    spans = [
        (label.lower(), word_diff(a, b)) for label, a, b in zip(LABELS, parent, child, strict=True)
    ]
    changed = tuple(s for s in spans if any(span.kind != "same" for span in s[1]))
    named = f"pair {pair_number(row)}"
    original = f"Compared with the original, {named}"
    diff = Compared(original, f"P(relevant): {moved}.", changed)
    return Card(
        heading=f"Edit of {named}" if child != parent else f"{named.capitalize()}, scored again",
        query=child[0],
        title=child[1],
        description=child[2],
        grades=scheme.grades,
        gold=UNLABELLED,
        says=tuple(says),
        compared=(diff,),
    )


def _flip(board: Board, row: int, said: Says) -> str:
    before = bool(selection.judged(board)[f"{said.role}_says"].iat[row])
    return ", its decision flips" if before != (said.verdict == "yes") else ""


def _both(says: list[Says], role: str) -> tuple[float, float]:
    found = next((s for s in says if s.role == role), None)
    return (found.relevant, found.delta or 0.0) if found else (float("nan"), float("nan"))


def _remember(child: Child) -> None:
    held: list[Child] = st.session_state.get(keys.EDITS, [])
    made = (child.on, child.parent, child.texts)
    others = [c for c in held if (c.on, c.parent, c.texts) != made]
    st.session_state[keys.EDITS] = [child, *others][:MOST]


def _children(board: Board) -> None:
    """This session's edits of these pairs with these models, newest first; a row opens one."""
    held: list[Child] = st.session_state.get(keys.EDITS, [])
    fitting = [c for c in held if c.on == _on(board)]
    if not fitting:
        return
    edits = f"{len(fitting):,} edit{'s' if len(fitting) > 1 else ''} in this tab, the newest first"
    st.text(f"{edits}. Choose one to open it again.")
    key = f"children_{hash(tuple((c.on, c.parent, c.texts) for c in fitting)) & 0xFFFFFFFF:x}"
    table = pd.DataFrame(
        [
            {
                "parent": c.parent,
                **dict(zip(("query", "title", "description"), c.texts, strict=True)),
                "student": c.student,
                "change": c.student_change,
                "teacher": c.teacher,
                "teacher's change": c.teacher_change,
            }
            for c in fitting
        ]
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
        on_select=lambda: _reopen(key, fitting),
        alt="Edits of this session with P(relevant) of student and teacher and their changes.",
    )


def _reopen(key: str, held: list[Child]) -> None:
    at = controls.opened_row(key, len(held))
    if at is not None:
        child = held[at]
        texts = dict(zip(FIELDS, child.texts, strict=True))
        state.change(pair=child.parent, compare={"edited": True, **texts})
