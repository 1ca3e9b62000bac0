"""Compare's live edit: change a pair's words, and student and teacher answer the child."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import controls, services, state
from app.components.pair_card import Card, Compared, Says, pair_cards
from app.panels import compare_answers as cards
from app.panels import compare_selection as selection
from app.services import Answers, Board, Scored
from app.texts import md, number, signed
from kdcore.counterfactual import word_diff
from kdcore.errors import LabError
from kdcore.pairs import UNLABELLED

Texts = tuple[str, str, str]
FIELDS = ("equery", "etitle", "edescription")
LABELS = ("Query", "Title", "Description")
_CHILDREN, _SCORED = "kd_children", "kd_scored"
MOST = 50  # children and answers kept in a session


@dataclass(frozen=True)
class Child:
    """An edit of a pair: the parent's row, its texts, and what was answered."""

    parent: int
    texts: Texts
    student: float
    student_change: float
    teacher: float
    teacher_change: float


def draw(board: Board, rows: pd.DataFrame) -> None:
    """Fields, both answers with deltas to the parent, word diff, and the children so far."""
    row = selection.primary(board)
    reason = _off(board.student)
    if reason or row < 0:
        st.info(reason or "Choose a pair first.")
        return
    parent = cards.texts(board, row)
    child = _fields(parent)
    if child == parent:
        st.text(f"Change a word of pair {row:,}: the student answers the child at once.")
    elif not child[0].strip() or not (child[1].strip() or child[2].strip()):
        st.warning("Nothing to score: give a query, and a title or a description.")
        return
    _answer(board, row, parent, child)
    _children(board)


def _off(who: Answers | None) -> str:
    """Why a model cannot be asked, or ""."""
    if who is None:
        return "No model has answered these pairs, so there is none to ask."
    if who.run is None:
        return (
            f"{who.title} was brought as a file of predictions: without a model here, nothing "
            "can answer a changed text. Pick a student that was trained here."
        )
    return ""


def _fields(parent: Texts) -> Texts:
    """Three text fields: the parent's words until somebody types over them."""
    now = state.now()
    present = (now.equery, now.etitle, now.edescription) if now.edited else parent
    for name, text in zip(FIELDS, present, strict=True):
        st.session_state[f"w_{name}"] = text[:1000]
    with st.container(key="edit_fields"):
        for name, label in zip(FIELDS, LABELS, strict=True):
            st.text_input(label, key=f"w_{name}", max_chars=1000, on_change=_typed)
        with st.container(horizontal=True, vertical_alignment="center"):
            controls.bound(
                st.toggle,
                "eteacher",
                "Ask the teacher too",
                help="The teacher is larger and slower; it answers when you ask for it.",
            )
            st.button(
                "Back to the pair's own words",
                icon=":material/undo:",
                on_click=_undo,
                disabled=not now.edited,
            )
    query, title, description = (str(text) for text in present)
    return query, title, description


def _typed() -> None:
    state.change(edited=True, **{name: st.session_state[f"w_{name}"] for name in FIELDS})


def _undo() -> None:
    state.change(edited=False, equery="", etitle="", edescription="")


def _answer(board: Board, row: int, parent: Texts, child: Texts) -> None:
    asked = [("student", board.student)]
    refused = _off(board.teacher)
    if state.now().eteacher and not refused:
        asked.insert(0, ("teacher", board.teacher))
    elif state.now().eteacher:
        st.info(refused)
    says, spent = [], []
    for role, who in asked:
        if who is None:
            continue
        try:
            made = _scored(who, child)
        except LabError as problem:
            st.warning(md(str(problem)))
            continue
        before = _own(board, row, role)
        shown = cards.column(board, role, role, np.asarray(made.logits[0]), UNLABELLED)
        says.append(replace(shown, delta=shown.relevant - before))
        spent.append(f"{role} {number(made.milliseconds, 1)} ms")
    if not says:
        return
    pair_cards([_card(board, row, parent, child, says)], "edit_cards", "The edited pair")
    st.caption(
        f"Answered in: {', '.join(spent)} (one pair on this machine's CPU, model loaded and "
        "warmed up). No label: nobody judged these words."
    )
    if child != parent:
        _remember(Child(row, child, *_both(says, "student"), *_both(says, "teacher")))


def _scored(who: Answers, texts: Texts) -> Scored:
    """A model's answer, asked once for each text in a session."""
    held: dict[Any, Scored] = st.session_state.setdefault(_SCORED, {})
    key = (who.key, who.hash, texts)
    if key not in held:
        held[key] = services.score(who.key, [texts])
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
    diff = Compared(f"Against its parent, pair {row:,}", f"P(relevant): {moved}.", changed)
    return Card(
        heading=f"Child of pair {row:,}" if child != parent else f"Pair {row:,}, scored again",
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
    held: list[Child] = st.session_state.get(_CHILDREN, [])
    others = [c for c in held if (c.parent, c.texts) != (child.parent, child.texts)]
    st.session_state[_CHILDREN] = [child, *others][:MOST]


def _children(board: Board) -> None:
    """Edits of this session, newest first; a row opens one again, its parent with it."""
    held: list[Child] = st.session_state.get(_CHILDREN, [])
    fitting = [c for c in held if c.parent < len(board.pairs)]
    if not fitting:
        return
    edits = f"{len(fitting):,} edit{'s' if len(fitting) > 1 else ''} in this tab, the newest first"
    st.text(f"{edits}. Choose one to open it again.")
    key = f"children_{hash(tuple((c.parent, c.texts) for c in fitting)) & 0xFFFFFFFF:x}"
    st.dataframe(
        pd.DataFrame(
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
        ),
        key=key,
        hide_index=True,
        width="stretch",
        column_config={
            name: st.column_config.NumberColumn(format=form)
            for name, form in (
                ("student", "%.3f"),
                ("change", "%+.3f"),
                ("teacher", "%.3f"),
                ("teacher's change", "%+.3f"),
            )
        },
        selection_mode="single-row",
        on_select=lambda: _reopen(key, fitting),
        alt="Edits of this session with P(relevant) of student and teacher and their changes.",
    )


def _reopen(key: str, held: list[Child]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows and 0 <= rows[0] < len(held):
        child = held[rows[0]]
        texts = dict(zip(FIELDS, child.texts, strict=True))
        state.change(pair=child.parent, edited=True, **texts)
