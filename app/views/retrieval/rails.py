"""The rails of the page: query, k, index, effort and how many ads there are."""

import streamlit as st

from app import state
from app.kit import controls
from app.services import Board
from app.state.retrieval import SIZES
from kdcore.data.library import WORLD
from kdcore.retrieval.measuring.study import Search, Study

INDEXES = {"lists": "Lists (IVF)", "graph": "Graph (HNSW)"}
_EFFORTS = {"lists": "lists probed", "graph": "neighbors in view (efSearch)"}
_KINDS = {"lists": "IVF", "graph": "HNSW"}


def size(board: Board) -> None:
    """How many ads of the world are searched; an imported set has those that it has."""
    if board.data.key == WORLD:
        titles = {each: f"{int(each):,} ads" for each in SIZES}
        controls.choose("retrieval.size", "Ads, on a log scale", titles)


def index(study: Study) -> int:
    """The rails of the index and of its effort; the place of the chosen search in the study."""
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
        controls.bound(
            st.select_slider,
            "retrieval.effort",
            f"Effort: {_EFFORTS[kind]}",
            options=list(range(len(offered))),
            format_func=lambda place: str(efforts[place]),
            width=260,
        )
        controls.bound(
            st.slider, "retrieval.k", "Ads shown: k", min_value=1, max_value=20, width=220
        )
    return offered[min(state.now().retrieval.effort, len(offered) - 1)]


def chosen(study: Study) -> int:
    """The place of the chosen search, without its rails."""
    now = state.now().retrieval
    offered = places(study, now.index) or places(study, "lists")
    return offered[min(now.effort, len(offered) - 1)]


def places(study: Study, kind: str) -> list[int]:
    """The searches of one kind of index, by their effort."""
    return [i for i, each in enumerate(study.searches) if each.recipe.startswith(_KINDS[kind])]


def words(search: Search) -> str:
    """A search as people say it: IVF512, 4 lists probed."""
    kind = "lists" if search.recipe.startswith("IVF") else "graph"
    return f"{search.recipe}, {search.effort} {_EFFORTS[kind].split(' (')[0]}"


def query(study: Study) -> int:
    """The chosen query, an example of the test split."""
    texts = study.queries
    if state.now().retrieval.query >= len(texts):
        state.ignore(f"fq: this study has {len(texts)} queries (fq=0 to fq={len(texts) - 1})")
        state.correct(retrieval={"query": 0})
    titles = dict(enumerate(texts))
    controls.select("retrieval.query", "Query (type to find one of the test split)", titles)
    return state.now().retrieval.query
