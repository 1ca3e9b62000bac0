"""Which query the lists and the auction look at: search it, walk through them, worst first."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls
from app.kit.texts import signed
from app.services import Answers, Board, ranking
from app.views.ranking.models import chosen_gain

Ints = NDArray[np.int64]
SORTS = {
    "lost": "Most lost first",
    "gained": "Most gained first",
    "worst": "Student's worst first",
    "best": "Student's best first",
    "table": "As in the data",
}
MOST_ADS = 100
MOST_OFFERED = 2000


@dataclass(frozen=True)
class Query:
    """One query. id: its number in the pairs; rows: its pairs; hidden: pairs beyond the limit."""

    id: int
    text: str
    rows: Ints
    hidden: int


def choose(
    board: Board,
    more: Callable[[], object],
    telling: NDArray[np.bool_] | None = None,
) -> Query | None:
    """Draw the chooser; the query that the state, its pair, or the order names. None: no pair.

    more: draws one more control in the same row. telling: (queries,) which ones are worth
    opening on when the visitor has chosen none; the first of them is.
    """
    texts = board.pairs.frame["query"].to_numpy()
    first = np.unique(board.pairs.query_ids, return_index=True)[1]
    if not len(first):
        st.info("These data hold no pair, so there is no query to look at.")
        return None
    order, deltas = _order(board, state.now().ranking.query_sort)
    present = _present(board, order, telling)
    with st.container(horizontal=True, vertical_alignment="bottom", key="query_chooser"):
        controls.bound(
            st.selectbox,
            "ranking.query_sort",
            "Order of the queries",
            options=list(SORTS),
            format_func=lambda key: SORTS[key],
            on_change=_sorted,
            args=(),
            width=200,
        )
        at = int(np.flatnonzero(order == present)[0])
        place = f"Query {at + 1:,} of {len(order):,}; nDCG of student minus teacher"
        _find(order, present, place, lambda q: _label(str(texts[first[q]]), float(deltas[q])))
        _walk("Previous", "arrow_upward", order, at - 1)
        _walk("Next", "arrow_downward", order, at + 1)
        more()
    rows = np.flatnonzero(board.pairs.query_ids == present)
    drawn = np.argsort(board.pairs.tiebreaks[rows])[:MOST_ADS]
    listed = rows[np.sort(drawn)]
    if len(listed) < len(rows):
        st.caption(
            f"{MOST_ADS} of its {len(rows):,} ads are listed here, chosen by a hash of their texts."
        )
    return Query(present, str(texts[first[present]]), listed, len(rows) - len(listed))


def _order(board: Board, sort: str) -> tuple[Ints, NDArray[np.float64]]:
    """The queries in the requested order, and what the student gains on the teacher in each."""
    queries = int(board.pairs.query_ids.max()) + 1
    own, teachers = _ndcg(board, board.student, queries), _ndcg(board, board.teacher, queries)
    deltas = own - teachers
    keys = {"lost": deltas, "gained": -deltas, "worst": own, "best": -own}
    if sort not in keys or np.isnan(keys[sort]).all():
        return np.arange(queries), deltas
    # nan, which has no ideal, stands last; equal ones by a hash of the query
    return np.lexsort((board.pairs.query_tiebreaks, keys[sort])), deltas


def _ndcg(board: Board, model: Answers | None, queries: int) -> NDArray[np.float64]:
    now = state.now().ranking
    if model is None:
        return np.full(queries, np.nan)
    return ranking.ndcg_of_queries(board, model, chosen_gain(board), now.k)


def _present(board: Board, order: Ints, telling: NDArray[np.bool_] | None) -> int:
    now = state.now()
    if now.ranking.query in order:
        return now.ranking.query
    if now.ranking.query >= 0:
        state.ignore(
            f"query: these data have {len(order):,} queries, no number {now.ranking.query:,}"
        )
        state.correct(ranking={"query": -1})
    elif 0 <= now.pair < len(board.pairs):
        return int(board.pairs.query_ids[now.pair])
    return int(order[int(np.argmax(telling[order]))] if telling is not None else order[0])


def _label(text: str, delta: float) -> str:
    shown = text or "(empty query)"
    return f"{shown}   {signed(delta)}" if np.isfinite(delta) else shown


def _find(order: Ints, present: int, place: str, name: Callable[[int], str]) -> None:
    """A box to type in; of very many queries it holds the first ones and the present one."""
    offered = [int(q) for q in order[:MOST_OFFERED]]
    if present not in offered:
        offered.insert(0, present)
    st.session_state["pick_query"] = present
    st.selectbox(
        place,
        offered,
        format_func=name,
        key="pick_query",
        on_change=lambda: state.change(ranking={"query": st.session_state["pick_query"]}),
        width=340,
        help=None if len(order) <= MOST_OFFERED else f"The first {MOST_OFFERED:,} in this order.",
    )


def _walk(label: str, icon: str, order: Ints, to: int) -> None:
    inside = 0 <= to < len(order)
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"walk_{icon}",
        disabled=not inside,
        on_click=lambda: state.change(ranking={"query": int(order[to])}),
    )


def _sorted() -> None:
    """Another order starts at its own first query."""
    state.change(ranking={"query_sort": st.session_state["w_qsort"], "query": -1}, pair=-1)
