"""The choices of the present session, and the address that follows them."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.state import keys
from app.state.base import (
    FIELDS,
    MARKS,
    VERSION,
    State,
    by_path,
    changed,
    defaults_of,
    nested,
    query_of,
    state_of,
)

_LONGEST = 1800  # characters of a link; a longer state is stored under a hash


def now() -> State:
    """The present state of this session."""
    return st.session_state[keys.STATE] if keys.STATE in st.session_state else State()


def clean(path: str, value: Any) -> Any:
    """A value as the state would hold it; ValueError when it is none for this choice."""
    return FIELDS[path].clean(value)


def change(**values: Any) -> None:
    """A choice of the visitor: set it (out of range: the bound), and add to the history.

    change(pair=3, ranking={"k": 5})
    """
    correct(**values)
    if not is_history_run() and requested_move() is None:
        write_url()


def is_history_run() -> bool:
    """Whether Streamlit started this run for a Back or Forward.

    Such a run may call back widgets that still hold the values of the entry before: they add
    nothing to the history. The same holds for a run that `requested_move` names.
    """
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))


def requested_move() -> dict[str, Any] | None:
    """The Back or Forward that the browser part parts/address asks for again, if it is new."""
    sent: Any = st.session_state.get(keys.ADDRESS)
    move = sent.get("back") if hasattr(sent, "get") else None
    turn = move.get("turn") if isinstance(move, dict) else None
    answered = st.session_state.get(keys.ADDRESS_TURN, 0)
    return move if isinstance(turn, int) and turn > answered else None


def correct(**values: Any) -> None:
    """Set choices without an entry: what a page puts right, and what is set on the way to one."""
    before, after = now(), changed(now(), **values)
    pair_of, paths = attrgetter("data_set", "data.split", "pair"), by_path(values)
    moved = pair_of(before) != pair_of(after)
    if moved and "compare.edited" not in paths:  # an edit belongs to the pair it was typed over
        after = changed(after, **nested(defaults_of("pair")))
    st.session_state[keys.STATE] = after
    if any(FIELDS[path].in_hash for path in paths):  # new hashes are known when the page is drawn
        st.session_state[keys.OWN_MARKS] = {}


def stand_on(data_set: str, *, entry: bool = True, **more: Any) -> None:
    """Go to other data, without what names rows, models, queries or grades of the old ones.

    entry: whether the history gets an entry now; opening another page adds its own.
    """
    values = defaults_of("data", "pair") | by_path(more) | {"data_set": data_set}
    (change if entry else correct)(**nested(values))


def open_link(query: Mapping[str, str]) -> None:
    """Make a link's parameters the state; what was ignored is named in the banner."""
    st.session_state[keys.STATE], st.session_state[keys.IGNORED] = state_of(query)
    st.session_state[keys.LINK_MARKS] = {
        name: query[name] for name in ("dh", "rh") if name in query
    }


def is_new() -> bool:
    """Whether this session has not yet read its link."""
    return keys.STATE not in st.session_state


def ignored() -> list[str]:
    """Sentences on the parts of the link that could not be restored."""
    return list(st.session_state.get(keys.IGNORED, ()))


def ignore(sentence: str) -> None:
    """Name one more part of the link that could not be restored."""
    sentences = st.session_state.setdefault(keys.IGNORED, [])
    if sentence not in sentences:
        sentences.append(sentence)


def forget_ignored() -> None:
    """The visitor has read the banner."""
    st.session_state[keys.IGNORED] = []


def take_link_marks() -> dict[str, str]:
    """Hashes of data (dh) and runs (rh) that the opened link was made for; given once."""
    marks: dict[str, str] = st.session_state.pop(keys.LINK_MARKS, {})
    return marks


def set_marks(**marks: str) -> None:
    """Hashes that every link from here carries: dh of the data, rh of the runs."""
    st.session_state[keys.OWN_MARKS] = marks


def simulated_bids(simulated: bool) -> None:
    """Whether a link to the auction has to say that its bids are simulated."""
    st.session_state[keys.SIMULATED] = simulated


def link() -> dict[str, str]:
    """The parameters of a link to what is on the screen: choices, version, hashes."""
    query: dict[str, str] = query_of(now()) | st.session_state.get(keys.OWN_MARKS, {})
    if now().ranking.tab == "auction" and st.session_state.get(keys.SIMULATED):
        query |= {"bids": "simulated"}  # no bid behind this link is real
    return query


def address() -> dict[str, str]:
    """The parameters that the address bar shows: the link, or a hash when it is too long."""
    query = link()
    if sum(len(key) + len(value) + 2 for key, value in query.items()) > _LONGEST:
        store = st.session_state.get(keys.STORE_LINK)
        if store is not None and (digest := store(query)):
            return {"v": VERSION, "kept": digest}
    return query


def write_url() -> None:
    """Let the address say the present choices now; parts/address admits new ones alone."""
    query = address()
    shown = {k: v for k, v in st.query_params.to_dict().items() if k not in MARKS}
    if shown != {k: v for k, v in query.items() if k not in MARKS}:
        st.query_params.from_dict(query)
