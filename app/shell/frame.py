"""What stands around every page: pickers, link, banner, and the finding in one sentence."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import services, state
from app.kit import sections
from app.kit.sections import Section
from app.kit.texts import md
from app.parts import address
from app.parts.frame_bar import frame_bar
from app.parts.present import present_switch
from app.services import Board, cautions, standing
from app.shell.glossary import TERMS
from app.state import keys
from app.state.compare import NO_FILTERS
from kdcore.errors import LabError

_COMPARING = ("Start", "Temperature", "Compare", "Ranking")  # pages of a student and its twin
# pages of pairs that have no filters
_WITHOUT_SELECTION = ("Temperature", "Losses", "Ranking", "Retrieval")
_ROLES = {"teacher": "Teacher", "student": "Student"}
_WIDTHS = {"data": 170, "teacher": 200, "student": 245}  # with the buttons: one row at 1280


def follow_link() -> str | None:
    """Read the link of a new session, or the entry that Back or Forward led to.

    Returns the page that has to be opened in place of the present one: the last part of its path
    ("" is the first page), or None.
    """
    st.session_state[keys.STORE_LINK] = services.keep_link
    move = address.move()
    if state.is_new():
        _open(st.query_params.to_dict())
        return None
    if move is None:
        return None
    if "v" in move.query:  # else the entry names a page alone, and the state stays
        _open(move.query)
    state.write_url()
    return move.page


def _open(query: dict[str, str]) -> None:
    stored = services.fetch_link(query["kept"]) if "kept" in query else query
    state.open_link(stored or {})
    if stored is None:
        state.ignore(f"kept: nothing is saved here under {query['kept'][:20]!r}")


def banner(place: DeltaGenerator) -> None:
    """Name each part of the link that could not be restored, until it is read.

    Called when the page is drawn, because a page may find that a row or a query is not there.
    """
    sentences = state.ignored()
    if not sentences:
        return
    with place.container(key="banner"):
        st.warning(
            "Parts of this link were left out:\n" + "\n".join(f"- {md(t)}" for t in sentences)
        )
        st.button("Understood", on_click=state.forget_ignored, key="banner_read")


def _pick_board() -> None:
    """The pickers of data, teacher and student; a role that no model has says so."""
    data = {
        c.key: c.title if c.badge in c.title.lower() else f"{c.title} ({c.badge})"
        for c in services.data_choices()
    }
    _select("data", "Data", data, services.chosen_data().key)
    board = services.board()
    offered = services.sources_on(board.all_pairs)
    for role, label in _ROLES.items():
        titles = {s.key: s.title for s in services.in_order(offered, role)}
        present = board.models[role].key if role in board.models else ""
        if titles:
            _select(role, label, titles if present else {"": "none yet"} | titles, present)
    _check_rows(board)
    _check_marks(board)


def _check_rows(board: Board) -> None:
    """Report a pair of the link that these data do not have; the page then chooses one."""
    pairs = len(board.pairs)
    for name in ("pair", "pinned"):
        row, key = getattr(state.now(), name), state.FIELDS[name].key
        if row >= pairs:
            ends = f"{key}=0 to {key}={pairs - 1}" if pairs else "none"
            state.ignore(f"{key}: these data have no {key}={row}; they have {pairs:,} ({ends})")
            state.correct(**{name: -1})


def _check_marks(board: Board) -> None:
    """Name a link that was made for other data or models; every link carries their hashes."""
    models = [model.hash for model in (board.teacher, board.student) if model]
    here = {"dh": board.pairs.content_hash[:8], "rh": "-".join(models)}
    for name, mark in state.take_link_marks().items():
        if mark != here[name]:
            what = "data" if name == "dh" else "models"
            state.ignore(f"{name}: the link was made for other {what}, so numbers will differ")
    state.set_marks(**{name: mark for name, mark in here.items() if mark})


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
        width=_WIDTHS[name],
    )


def _picked(name: str, key: str) -> None:
    chosen = st.session_state[key]
    if name == "data":
        state.stand_on(chosen)
    else:
        state.change(**{name: chosen})


def finding(sentence: str, board: Board | None = None) -> None:
    """The present finding of a page, in one plain sentence that follows the data.

    board: what the finding is of; that its models are close to chance is said first.
    """
    if board is not None and (caution := cautions.caution(board)):
        sentence = f"{caution} {sentence}"
    st.session_state[keys.FINDING] = sentence  # a report opens with it
    with st.container(key="finding"):
        st.text(sentence)


def page_title() -> str:
    """The title of the page that is shown."""
    return str(st.session_state.get(keys.PAGE_TITLE, "KD Lab"))


def shows_models() -> bool:
    """Whether the page is about the chosen data, teacher and student."""
    return bool(st.session_state.get(keys.PAGE_PICKERS, True))


def open_page(title: str, extra: Callable[[], None], pickers: bool = True) -> DeltaGenerator:
    """The head of a page: pickers, `extra` beside them, title; returns the banner's place.

    pickers: whether the page shows the chosen data, teacher and student at all.
    """
    st.session_state[keys.PAGE_TITLE], st.session_state[keys.PAGE_PICKERS] = title, pickers
    sections.forget()
    with st.container(horizontal=True, vertical_alignment="center", key="top_bar"):
        if pickers:
            _pick_board()
        extra()
        frame_bar(_selection(title) if pickers else "", state.now().single_keys, TERMS)
        present_switch(state.now().presenting)
    place = st.empty()
    with st.container(horizontal=True, vertical_alignment="bottom", key="page_title"):
        st.title(title, anchor=False, width="content")
        if pickers:
            st.caption(md(_subject(title)), width="content")
    if pickers and title in _COMPARING:
        _unequal_budgets()
    if pickers and (sentence := services.left_out(services.board())):
        st.caption(f":material/filter_list: {md(sentence)}")
    return place


def _subject(title: str) -> str:
    """Which pairs a page shows; Retrieval takes only their queries, and searches ads."""
    part = standing.part_in_words(services.board())
    return f"{part}; here their queries search ads" if title == "Retrieval" else part


def _unequal_budgets() -> None:
    """Say what makes student and twin unequal, wherever the two are compared."""
    runs = {role: model.run for role, model in services.board().models.items()}
    sentences = cautions.unequal_budgets(runs.get("student"), runs.get("twin"))
    if not sentences:
        return
    with st.container(key="budgets"):
        st.markdown(f":orange-badge[:material/balance: read with care] {md(' '.join(sentences))}")
    sections.put("budgets", lambda: Section("Read with care", sentences))


def trouble(cause: LabError) -> None:
    """Say in a sentence what stopped the page, and offer the way back to what is whole."""
    st.error(md(str(cause)))
    st.button(
        "Show the bundled world",
        on_click=state.stand_on,
        args=("world",),
        key="trouble_back",
    )


def selected(words: str) -> bool:
    """Show in the top bar what this page has selected; True when the text there changed."""
    stale = _selection(page_title()) != words
    st.session_state[keys.SELECTED] = (page_title(), words)
    return stale


def _selection(title: str) -> str:
    """What is selected on this page; of Compare's selection only that it is not used."""
    page, words = st.session_state.get(keys.SELECTED, ("", ""))
    if page == title:
        return str(words)
    filtered = any(getattr(state.now().compare, name) for name in NO_FILTERS)
    return (
        "Compare's selection is not used here" if filtered and title in _WITHOUT_SELECTION else ""
    )
