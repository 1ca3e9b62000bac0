"""Notes on the pairs of a board: in the workspace, or in the tab where nothing may be stored."""

from pathlib import Path

import streamlit as st

from app.kit.by_hash import by_hash
from app.services import access
from app.services.boards import Board
from app.state import keys
from kdcore.analysis.notes import Note, Notebook, stamped, with_note
from kdcore.errors import LabError

PUBLIC = "This is a public showing: your notes stay in this tab; take them with you as CSV."
REFUSED = "The workspace cannot be written to: your notes stay in this tab; take them as CSV."
STORED = (
    "Kept in your workspace, by the pair's own texts: they outlive this tab, restarts and runs."
)
_REFUSED_KEY = f"{keys.NOTES}_refused"


def notes(board: Board) -> dict[str, Note]:
    """Every note on this data set, by pair key; what this tab alone holds wins."""
    return ({} if access.public() else _stored(_book(board))) | _of_tab(board)


def keep(board: Board, note: Note) -> None:
    """Store one note; an empty one is forgotten. LabError when another window is in the way."""
    own = stamped(note)
    if not access.public():
        try:
            _book(board).keep(note)
            own = Note(note.query, note.title, note.description)  # empty: this tab holds none
        except OSError:
            st.session_state[_REFUSED_KEY] = True
    st.session_state[_name(board)] = with_note(_of_tab(board), own)


def where() -> str:
    """Where notes are stored, in a sentence."""
    if access.public():
        return PUBLIC
    return REFUSED if st.session_state.get(_REFUSED_KEY) else STORED


def _of_tab(board: Board) -> dict[str, Note]:
    notes: dict[str, Note] = st.session_state.get(_name(board), {})
    return notes


def _name(board: Board) -> str:
    return f"{keys.NOTES}_{board.all_pairs.content_hash}"


def _book(board: Board) -> Notebook:
    return Notebook(access.home().notes, board.all_pairs.content_hash)


def _stored(book: Notebook) -> dict[str, Note]:
    try:
        changed = book.path.stat().st_mtime_ns
    except OSError:
        return {}
    return _read(str(book.folder), book.data_hash, changed)


@by_hash(most=20)
def _read(folder: str, data_hash: str, changed: int) -> dict[str, Note]:
    try:
        return Notebook(Path(folder), data_hash).read()
    except (OSError, LabError):
        return {}
