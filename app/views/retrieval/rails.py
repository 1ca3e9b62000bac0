"""The rails of the page: query, filters, k, index, effort and how many ads there are."""

import streamlit as st

from app import state
from app.kit import controls
from app.kit.by_hash import by_hash
from app.services import Board
from app.state.retrieval import SIZES
from kdcore.data.library import WORLD
from kdcore.retrieval.ads import Ads, Mask
from kdcore.retrieval.measuring.study import Search, Study

INDEXES = {
    "lists": "Lists (IVF)",
    "graph": "Graph (HNSW)",
    "bytes": "8 bits (SQ8)",
    "bits": "1 bit, then rescored",
}
_EFFORTS = {
    "lists": "lists probed",
    "graph": "candidates kept (efSearch)",
    "bytes": "every ad",
    "bits": "ads rescored",
}
_ONE = {"lists": "list probed", "graph": "candidate kept", "bits": "ad rescored"}
_KINDS = {"lists": "IVF", "graph": "HNSW", "bytes": "SQ8", "bits": "Bits"}


def size(board: Board) -> None:
    """How many ads of the world are searched; an imported set has those that it has."""
    if board.data.key == WORLD:
        titles = {each: f"{int(each):,} ads" for each in SIZES}
        controls.choose("retrieval.size", "Number of ads", titles)


def index(study: Study, *, depth: bool = True) -> int:
    """The rails of the index, its effort and k; the place of the chosen search in the study.

    depth: whether k is offered; the funnel and serving have a depth of their own.
    """
    kinds = [kind for kind in INDEXES if places(study, kind)]
    now = state.now().retrieval
    if now.index not in kinds:
        state.correct(retrieval={"index": kinds[0]})
    with st.container(horizontal=True, vertical_alignment="bottom", key="retrieval_rails"):
        if len(kinds) > 1:
            controls.choose("retrieval.index", "Index", {kind: INDEXES[kind] for kind in kinds})
        kind = state.now().retrieval.index
        offered = places(study, kind)
        efforts = [study.searches[place].effort for place in offered]
        if len(offered) > 1:
            controls.bound(
                st.select_slider,
                "retrieval.effort",
                f"Effort: {_EFFORTS[kind]}",
                options=list(range(len(offered))),
                format_func=lambda place: str(efforts[place]),
                width=260,
            )
        if depth:
            controls.bound(
                st.slider, "retrieval.k", "Ads shown: k", min_value=1, max_value=20, width=220
            )
    return offered[min(state.now().retrieval.effort, len(offered) - 1)]


def places(study: Study, kind: str) -> list[int]:
    """The searches of one kind of index, by their effort."""
    return [i for i, each in enumerate(study.searches) if each.recipe.startswith(_KINDS[kind])]


def words(search: Search) -> str:
    """A search in words: IVF512, 4 lists probed."""
    kind = next(kind for kind, start in _KINDS.items() if search.recipe.startswith(start))
    effort = _ONE[kind] if search.effort == 1 else _EFFORTS[kind].split(" (")[0]
    return f"{search.recipe}, {f'{search.effort} ' if search.effort else ''}{effort}"


def compared(search: Search, ads: int) -> str:
    """How many ads a search compares with a query; an index is there to make them few."""
    if search.recipe.startswith("IVF"):
        lists = search.recipe.removeprefix("IVF").partition(",")[0]
        return f"those of {search.effort} of {lists} lists"
    return f"some of {ads:,}" if search.recipe.startswith("HNSW") else f"{ads:,}"


def query(study: Study, origin: str) -> int:
    """The chosen query of the study, and a box for any other. origin: where they come from."""
    texts = study.queries
    if state.now().retrieval.query >= len(texts):
        state.ignore(f"fq: this study has {len(texts)} queries (fq=0 to fq={len(texts) - 1})")
        state.correct(retrieval={"query": 0})
    typed = state.now().retrieval.typed.strip().casefold()
    equal = [place for place, text in enumerate(texts) if text.casefold() == typed]
    if equal:  # what it is worth is known, so the typed text is a choice of the list
        state.correct(retrieval={"query": equal[0], "typed": ""})
        typed = ""
    titles = dict(enumerate(texts))
    with st.container(horizontal=True, vertical_alignment="bottom", key="retrieval_query"):
        controls.select(
            "retrieval.query",
            f"Query {origin}",
            titles,
            width=340,
            disabled=bool(typed),
            help="The typed query counts; empty its box to choose one here." if typed else None,
        )
        controls.bound(
            st.text_input,
            "retrieval.typed",
            "or any other query",
            placeholder="cheap flights to rome",
            width=280,
        )
    return state.now().retrieval.query


def filters(ads: Ads) -> Mask | None:
    """Which ads may be found: of one vertical or language, without blocked words; None for all."""
    now = state.now().retrieval
    options = {"": "every ad"}
    for column, values in ads.columns.items():
        options |= {f"{column}={each}": f"{column}: {each}" for each in sorted(set(values))}
    if now.only not in options:
        state.ignore(f"fonly: no ad has {now.only!r}")
        state.correct(retrieval={"only": ""})
    with st.container(horizontal=True, vertical_alignment="bottom", key="retrieval_filters"):
        if len(options) > 1:
            controls.select("retrieval.only", "Only ads of", options, width=260)
        controls.bound(
            st.text_input,
            "retrieval.blocked",
            "Blocked words, with commas between",
            help="No ad whose title or description has one of these words is shown.",
            placeholder="free, used",
            width=280,
        )
    now = state.now().retrieval
    return _passing(ads, now.only, now.blocked)


@by_hash(most=8)  # a second for 100,000 ads with blocked words
def _passing(ads: Ads, only: str, blocked: str) -> Mask | None:
    column, _, value = only.partition("=")
    return ads.passing({column: value} if column else {}, blocked)
