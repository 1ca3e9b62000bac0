"""What a visitor is about to bring, kept for the session: nothing set down or typed is lost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.kit import error_box
from app.state import keys
from app.views.data.queries.intake import Staged, discard, stage
from kdcore.errors import LabError


@dataclass
class Draft:
    """One thing being brought. ids: of the uploads in it; error: what was wrong with them."""

    staged: Staged | None = None
    ids: tuple[str, ...] = ()
    error: str = ""
    causes: tuple[str, ...] = ()


def draft(name: str) -> Draft:
    """The draft of this name, made when it is first asked for."""
    present: Draft = st.session_state.setdefault(f"{keys.DRAFT}_{name}", Draft())
    return present


def clear(name: str) -> None:
    """Forget a draft and throw its copy away; its upload widget starts afresh."""
    _discard(name)
    st.session_state[f"{keys.DRAFT}_{name}"] = Draft()
    st.session_state[f"{keys.DRAFT_ROUND}_{name}"] = _turn(name) + 1


def uploader(name: str, label: str, *, several: bool, disabled: bool, help: str) -> None:
    """An upload widget whose new files become the draft, at once."""
    given: Any = st.file_uploader(
        label,
        accept_multiple_files=several,
        disabled=disabled,
        help=help,
        key=f"upload_{name}_{_turn(name)}",
    )
    files = given if isinstance(given, list) else [given] if given is not None else []
    ids = tuple(str(file.file_id) for file in files)
    if ids and ids != draft(name).ids:
        take(name, lambda: stage([(f.name, f.getvalue()) for f in files]), ids)


def take(name: str, make: Callable[[], Staged], ids: tuple[str, ...] = ()) -> None:
    """Let a staged file take the draft's place; what is wrong with it is kept to be shown."""
    _discard(name)
    try:
        present = Draft(make(), ids)
    except LabError as error:
        present = Draft(None, ids, *error_box.words(error))
    st.session_state[f"{keys.DRAFT}_{name}"] = present


def _turn(name: str) -> int:
    return int(st.session_state.get(f"{keys.DRAFT_ROUND}_{name}", 0))


def _discard(name: str) -> None:
    if staged := draft(name).staged:
        discard(staged)
