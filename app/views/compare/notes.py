"""Compare's notes: a status and a text for a pair, stored; all of them as a list and as CSV."""

from functools import partial

import pandas as pd
import streamlit as st

from app.kit.texts import md
from app.services import Board
from app.views.compare.queries import notes as notebook
from app.views.compare.queries.pair_cards import texts_of
from kdcore.analysis.notes import LONGEST, STATUSES, Note, pair_key, to_csv
from kdcore.data.pairs import UNLABELLED
from kdcore.errors import LabError


def form(board: Board, row: int) -> None:
    """What a person found about this pair; every change is stored at once."""
    texts = texts_of(board, row)
    key = pair_key(*texts)
    note = notebook.notes(board).get(key, Note(*texts))
    fields = (f"note_status_{key}", f"note_text_{key}")
    st.session_state[fields[0]] = note.status or None
    st.session_state[fields[1]] = note.text
    save = partial(_save, board, row, fields)
    with st.container(key="note_form"):
        st.segmented_control(
            "Your judgement",
            [status for status in STATUSES if status],
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
        st.caption(notebook.where() + (when if note.changed else ""))


def _save(board: Board, row: int, fields: tuple[str, str]) -> None:
    status, text = (st.session_state[field] for field in fields)
    grade = int(board.pairs.grades[row])
    name = "" if grade == UNLABELLED else board.pairs.scheme.grades[grade]
    try:
        notebook.keep(board, Note(*texts_of(board, row), status or "", text or "", name))
    except LabError as problem:
        st.toast(md(str(problem)), icon=":material/error:")


def draw(board: Board, rows: pd.DataFrame) -> None:
    """Every note on this data set, and its CSV for whoever labels anew."""
    notes = [note for note in notebook.notes(board).values() if not note.empty]
    if not notes:
        st.info("No note yet. Open a pair above and say what is the matter with it.")
        return
    counts = pd.Series([note.status for note in notes]).value_counts()
    of_each = ", ".join(f"{counts[s]:,} {STATUSES[s]}" for s in STATUSES if s in counts)
    st.text(f"{len(notes):,} noted: {of_each}.")
    table = pd.DataFrame(
        [
            {
                "query": note.query,
                "title": note.title,
                "label": note.grade,
                "status": STATUSES[note.status] if note.status else "",
                "note": note.text,
                "changed": note.changed,
            }
            for note in notes
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
    st.caption(notebook.where())
