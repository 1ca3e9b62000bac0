"""Which column of a file of predictions is what: found by itself, and changeable by hand."""

import streamlit as st

from app.kit.texts import shown
from app.services import Board
from app.views.data.queries.answers import AnswerForm
from app.views.data.queries.head import Head
from app.views.data.queries.intake import Staged
from kdcore.data.answers.choice import KINDS, PER_GRADE, ColumnChoice
from kdcore.data.answers.labels import LABEL_NAMES

AUTO = ""
LABELS = {"query": "Query", "title": "Title", "description": "Description", "label": "Label"}
_WIDE = 4  # boxes in a row
_FEW = 10  # different texts of a label column


def form(staged: Staged, seen: Head, board: Board) -> AnswerForm:
    """How the file is to be read; without a choice everything is found by names and values."""
    mark, columns = staged.mark, list(seen.columns)
    with st.container(horizontal=True, vertical_alignment="bottom", key="data_answers_kind"):
        kind = st.selectbox(
            "Kind of numbers",
            list(KINDS),
            format_func=lambda key: KINDS[key],
            key=f"data_kind_{mark}",
            width=380,
        )
        partial = st.checkbox(
            "Use only the pairs with a prediction",
            key=f"data_partial_{mark}",
            help="Pairs without a prediction are left out: every number then covers the "
            "remaining pairs, and its n counts them.",
        )
    kind, column = kind or "auto", AUTO
    with st.expander("Columns: found by names and values, or chosen here"):
        mapping = _boxes(LABELS, columns, f"text_{mark}")
        if kind not in PER_GRADE:
            box = _boxes({"column": "Column of the score"}, columns, f"one_{mark}")
            column = box["column"]
        if kind in ("auto", *PER_GRADE, "label_score", "grade"):
            st.caption(
                "For each grade: its column, or the text that stands for it in a column of labels"
            )
            grades = {name: name for name in board.pairs.scheme.grades}
            options = list(dict.fromkeys([*columns, *_label_texts(seen)]))
            mapping |= _boxes(grades, options, f"grade_{mark}")
    chosen = {ours: theirs for ours, theirs in mapping.items() if theirs}
    return AnswerForm(ColumnChoice(kind, column, chosen), bool(partial))


def _boxes(labels: dict[str, str], options: list[str], mark: str) -> dict[str, str]:
    """One select box for each of our parts; "" leaves it to be found."""
    chosen: dict[str, str] = {}
    names = list(labels)
    for start in range(0, len(names), _WIDE):
        places = st.columns(_WIDE)
        for place, ours in zip(places, names[start : start + _WIDE], strict=False):
            picked = place.selectbox(
                labels[ours],
                [AUTO, *options],
                format_func=lambda name: shown(name, 60) if name else "auto-detect",
                key=f"data_answer_{ours}_{len(options)}_{mark}",
            )
            chosen[ours] = picked or AUTO
    return chosen


def _label_texts(seen: Head) -> list[str]:
    """The texts of a column of labels, of which each may mean a grade."""
    plain = [name.strip().casefold() for name in seen.columns]
    place = next((plain.index(name) for name in LABEL_NAMES if name in plain), -1)
    texts = list(dict.fromkeys(row[place] for row in seen.rows)) if place >= 0 else []
    return texts if len(texts) <= _FEW else []
