"""Compare's notes: a status and a text for a pair, kept; all of them as a list and as CSV."""

from functools import partial

import pandas as pd
import streamlit as st

from app.kit.texts import md
from app.services import Board
from app.views.compare import answers as cards
from app.views.compare.queries import notes as noting
from kdcore.analysis.notes import LONGEST, STATUSES, Note, pair_key, to_csv
from kdcore.data.pairs import UNLABELLED
from kdcore.errors import LabError

CHOICES = [status for status in STATUSES if status]


def form(board: Board, row: int) -> None:
    """What a person found about this pair; every change is kept at once."""
    texts = cards.texts(board, row)
    key = pair_key(*texts)
    note = noting.notes(board).get(key, Note(*texts))
    fields = (f"note_status_{key}", f"note_text_{key}")
    st.session_state[fields[0]] = note.status or None
    st.session_state[fields[1]] = note.text
    save = partial(_save, board, row, fields)
    with st.container(key="note_form"):
        st.segmented_control(
            "Your judgement",
            CHOICES,
            format_func=lambda status: STATUSES[status],
            key=fields[0],
            on_change=save,
        )
        st.text_area(
            "Note",
            key=fields[1],
            max_chars=LONGEST,
            height=70,
            on_change=save,
            placeholder="Why? Kept when you leave the field.",
        )
        when = f" Last saved {note.changed.replace('T', ' ').replace('+00:00', ' UTC')}."
        st.caption(noting.where() + (when if note.changed else ""))


def _save(board: Board, row: int, fields: tuple[str, str]) -> None:
    status, text = (st.session_state[field] for field in fields)
    grade = int(board.pairs.grades[row])
    name = "" if grade == UNLABELLED else board.pairs.scheme.grades[grade]
    try:
        noting.keep(board, Note(*cards.texts(board, row), status or "", text or "", name))
    except LabError as problem:
        st.toast(md(str(problem)), icon=":material/error:")


def draw(board: Board, rows: pd.DataFrame) -> None:
    """Every note on this data set, and its CSV for whoever labels anew."""
    notes = [n for n in noting.notes(board).values() if not n.empty]
    if not notes:
        st.info("No note yet. Open a pair above and say what is the matter with it.")
        return
    counts = pd.Series([n.status for n in notes]).value_counts()
    said = ", ".join(f"{counts[s]:,} {STATUSES[s]}" for s in STATUSES if s in counts)
    st.text(f"{len(notes):,} noted: {said}.")
    table = pd.DataFrame(
        [
            {
                "query": n.query,
                "title": n.title,
                "label": n.grade,
                "status": STATUSES[n.status] if n.status else "",
                "note": n.text,
                "changed": n.changed,
            }
            for n in notes
        ]
    )
    st.dataframe(table, hide_index=True, width="stretch", alt="All notes on this data set.")
    st.download_button(
        "Notes as CSV for relabelling",
        to_csv(notes).encode("utf-8", "backslashreplace"),
        file_name=f"notes-{board.pairs.content_hash}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption(noting.where())
