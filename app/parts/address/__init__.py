"""The address bar and the browser's history: what Back and Forward led to, and what is shown.

Two mounts, because a run has two moments to tell of: at its start it answers a Back or Forward,
at its end the page, its choices and its hashes are final, and the address is set to them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from uuid import uuid4

import streamlit as st

from app import state
from app.kit.browser_part import part
from app.state import keys

_mount = part(__name__)


@dataclass(frozen=True)
class Move:
    """A Back or Forward of the visitor, or the link of a new session.

    page: the last part of the page's path ("" is the first page); None when the run is already
    of that page. count: how many moves this session has answered.
    """

    query: dict[str, str] = field(default_factory=dict)
    page: str | None = None
    count: int = 0


def move() -> Move | None:
    """The Back or Forward that this run has to answer; each comes once.

    Streamlit marks the run that it starts for one. It drops the mark when a click comes in
    between; then the browser part asks once more (see part.js) and names the page too.
    """
    if requested := state.requested_move():
        st.session_state[keys.ADDRESS_TURN] = requested["turn"]
        query = requested.get("query")
        texts = {str(k): str(v) for k, v in query.items()} if isinstance(query, dict) else {}
        return _opened(texts, str(requested.get("page", "")))
    if state.is_history_run():
        return _opened(st.query_params.to_dict(), None)
    return None


def _opened(query: dict[str, str], page: str | None) -> Move:
    before = st.session_state.get(keys.ADDRESS_OPENED, Move())
    st.session_state[keys.ADDRESS_OPENED] = Move(query, page, before.count + 1)
    return st.session_state[keys.ADDRESS_OPENED]  # type: ignore[no-any-return]


def answer(page: str) -> None:
    """Tell the browser, at the start of a run, which Back or Forward has been handled."""
    opened = asdict(st.session_state.get(keys.ADDRESS_OPENED, Move()))
    _mount(
        key=keys.ADDRESS,
        data={"opened": opened | {"page": page}},
        on_back_change=_nothing,
        height=1,
    )


def settle(page: str, pages: list[str], query: Mapping[str, str], marks: tuple[str, ...]) -> None:
    """Set the address, at the end of a run, to what is shown.

    page: the last part of the page's path; pages: of all pages; query: the whole link;
    marks: names of parameters that are no choice of the visitor.
    """
    final = {"page": page, "pages": pages, "query": dict(query), "marks": marks}
    data = {"final": final, "run": uuid4().hex}
    _mount(key=f"{keys.ADDRESS}_end", data=data, on_back_change=_nothing, height=1)


def _nothing() -> None:
    """Any message of the part starts a run; `move` reads it there."""
