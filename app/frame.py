"""What stands around every page: pickers, link, banner, and the finding in one sentence."""

from collections.abc import Callable

import streamlit as st

from app import services, state
from app.components.frame_bar import frame_bar, went_back
from app.services import Board
from app.texts import md
from kdcore.errors import LabError

_ROLES = {"teacher": "Teacher", "student": "Student"}


def follow_link() -> None:
    """Read the link of a new session, or the address that Back or Forward led to."""
    st.session_state["kd_keep"] = services.keep_link
    asked = went_back()
    if asked is not None:
        state.open_link(_whole(asked))
    elif state.is_new():
        state.open_link(_whole(st.query_params.to_dict()))


def _whole(query: dict[str, str]) -> dict[str, str]:
    """The parameters themselves, or those kept under the hash they name."""
    if "kept" not in query:
        return query
    found = services.fetch_link(query["kept"])
    if found is None:
        state.ignore(f"kept: nothing is kept here under {query['kept'][:20]!r}")
    return found or {}


def banner() -> None:
    """Name each part of the link that could not be restored, until it is read."""
    told = state.ignored()
    if not told:
        return
    with st.container(key="banner"):
        st.warning("Parts of this link were left out:\n" + "\n".join(f"- {md(t)}" for t in told))
        st.button("Understood", on_click=state.forget_ignored, key="banner_read")


def top_bar(selection: str, extra: Callable[[], None]) -> None:
    """Pickers of data, teacher and student, the selection, copy link and shortcuts."""
    with st.container(horizontal=True, vertical_alignment="center", key="top_bar"):
        _pick_data()
        offered = services.sources_on(services.pairs_of(services.chosen_data(), state.now().split))
        shown = services.board()
        for role in _ROLES:
            answers = getattr(shown, role)
            _pick(role, {s.key: s.title for s in offered}, answers.key if answers else "")
        _check_marks(shown)
        extra()
        frame_bar(selection, state.now().keys)


def _check_marks(board: Board) -> None:
    """Every link carries the hashes of data and runs; one made for others is told."""
    answered = [a.hash for a in (board.teacher, board.student) if a is not None]
    here = {"dh": board.pairs.content_hash[:8], "rh": "-".join(answered)}
    for name, asked in state.asked_marks().items():
        if asked != here[name]:
            what = "data" if name == "dh" else "models"
            state.ignore(f"{name}: the link was made for other {what}, so numbers will differ")
    state.set_marks(**{name: mark for name, mark in here.items() if mark})


def _pick_data() -> None:
    titles = {c.key: f"{c.title} ({c.badge})" for c in services.data_choices()}
    _select("data", "Data", titles, services.chosen_data().key)


def _pick(role: str, titles: dict[str, str], present: str) -> None:
    if titles:
        _select(role, _ROLES[role], titles, present)


def _select(name: str, label: str, titles: dict[str, str], present: str) -> None:
    key = f"pick_{name}"
    st.session_state[key] = present
    st.selectbox(
        label,
        list(titles),
        format_func=lambda k: f"{label}: {titles.get(k, k)}",
        key=key,
        label_visibility="collapsed",
        on_change=_picked,
        args=(name, key),
        width=270,
    )


def _picked(name: str, key: str) -> None:
    changed = {name: st.session_state[key]}
    if name == "data":  # another data set has other rows, models and queries
        changed |= {"teacher": "", "student": "", "rival": "", "split": "", "slice": ""}
        changed |= dict.fromkeys(("pair", "pin", "query"), -1) | {"box": (), "brush": ()}
    state.change(**changed)


def finding(sentence: str) -> None:
    """The present finding of a page, in one plain sentence that follows the data."""
    st.session_state["kd_finding"] = sentence  # a report opens with it
    with st.container(key="finding"):
        st.text(sentence)


def open_page(title: str, extra: Callable[[], None]) -> None:
    """The head of a page: its pickers (and `extra` beside them), what the link lost, its title."""
    top_bar(st.session_state.get("kd_selection", ""), extra)
    banner()
    st.title(title, anchor=False)


def trouble(cause: LabError) -> None:
    """Say in a sentence what stopped the page, and offer the way back to what is whole."""
    st.error(md(str(cause)))
    st.button(
        "Show the bundled world",
        on_click=state.change,
        kwargs={"data": "world", "teacher": "", "student": "", "split": ""},
        key="trouble_back",
    )


def selected(words: str) -> None:
    """Tell the top bar what is selected; it stands there from the next run on."""
    st.session_state["kd_selection"] = words
