"""The strip of per-query differences, the test of their mean, and the list that the brush picks."""

import hashlib
from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls
from app.kit.texts import number, signed
from app.services import Board, ranking
from app.services.ranking import QueryDeltas
from app.shell import frame
from app.views.ranking.models import Side, caption, provenance
from app.views.ranking.parts.delta_strip import delta_strip
from kdcore.evaluation.comparison import Difference
from kdcore.evaluation.curves import ndcg_name
from kdcore.metrics.significance import against

LIST = "ranking_queries"


def draw(board: Board, a: Side, b: Side, gain: str, k: int, test: Difference) -> None:
    """Strip, list of the brushed queries, and what a click on either opens."""
    st.subheader(f"Query by query: A − B in {ndcg_name(gain, k)}", anchor=False)
    deltas = ranking.deltas(board, a.answers, b.answers, gain, k)
    if not len(deltas.query):
        st.info("No query has an ad above the worst grade: there is no nDCG to compare.")
        return
    texts = query_texts(board)[deltas.query]
    sentence = summary(deltas, test)
    with st.container(key="delta_picture"):
        data = payload(deltas, texts, a, b, test, sentence)
        delta_strip("delta_strip", data, _opener(deltas))
    rows = brushed(len(deltas.query))
    frame.selected(f"{len(rows):,} queries" if state.now().ranking.brush else "")
    listed = table(deltas, texts, rows)
    title = f"Query by query: A − B in {ndcg_name(gain, k)}, greatest difference first"
    controls.exports(
        "delta_picture",
        table(deltas, texts),
        sentence,
        provenance(board, a, b),
        caption(board, title, a, b),
    )
    st.caption(
        f"{len(rows):,} of {len(deltas.query):,} queries, ranks {rows[0] + 1:,} to "
        f"{rows[-1] + 1:,}. Choose a row to open its lists."
    )
    _list(listed, deltas, rows)


def query_texts(board: Board) -> NDArray[np.object_]:
    """(queries,) the text of each query number."""
    first = np.unique(board.pairs.query_ids, return_index=True)[1]
    return board.pairs.frame["query"].to_numpy(dtype=object)[first]


def payload(
    deltas: QueryDeltas,
    texts: NDArray[np.object_],
    a: Side,
    b: Side,
    test: Difference,
    sentence: str,
) -> dict[str, object]:
    """What the strip draws, greatest difference first."""
    values = [np.round(v, 4).tolist() for v in (deltas.delta, deltas.a, deltas.b)]
    tested = np.isfinite(test.low)
    mark = hashlib.sha256(deltas.delta.tobytes() + deltas.query.tobytes()).hexdigest()[:12]
    return {
        "hash": f"{mark}-{a.role}-{b.role}",
        "deltas": values[0],
        "valuesA": values[1],
        "valuesB": values[2],
        "queries": [str(text) for text in texts],
        "a": {"name": a.name, "role": a.role},
        "b": {"name": b.name, "role": b.role},
        "mean": test.delta,
        "low": test.low if tested else None,
        "high": test.high if tested else None,
        "brush": [int(v) for v in state.now().ranking.brush],
        "sentence": sentence,
    }


def summary(deltas: QueryDeltas, test: Difference) -> str:
    """The strip in words: wins, ties, losses, mean, interval, p, verdict, detectability."""
    better, worse = int((deltas.delta > 0).sum()), int((deltas.delta < 0).sum())
    counts = (
        f"A is better in {better:,} queries, B in {worse:,}, equal in "
        f"{len(deltas.delta) - better - worse:,}; mean A − B {signed(test.delta)}"
    )
    if np.isfinite(test.low):
        counts += f", 95 % {signed(test.low)} to {signed(test.high)}, p = {test.p:.4f}"
    return (
        f"{counts}. Verdict on A: {against(test.verdict, 'B')}. {test.n:,} queries could show a "
        f"difference of {number(test.smallest_detectable)} four times in five."
    )


def brushed(queries: int) -> NDArray[np.int64]:
    """(rows,) places in the sorted strip that the brush holds; all without one."""
    ends = sorted(state.now().ranking.brush) or [1, queries]
    first = min(max(int(ends[0]), 1), queries)
    return np.arange(first - 1, min(max(int(ends[1]), first), queries))


def table(
    deltas: QueryDeltas, texts: NDArray[np.object_], rows: NDArray[np.int64] | None = None
) -> pd.DataFrame:
    """A row a query: rank, text, A, B and A - B."""
    rows = np.arange(len(deltas.query)) if rows is None else rows
    return pd.DataFrame(
        {
            "rank": rows + 1,
            "query": texts[rows],
            "A": deltas.a[rows],
            "B": deltas.b[rows],
            "A - B": deltas.delta[rows],
        }
    )


def _list(listed: pd.DataFrame, deltas: QueryDeltas, rows: NDArray[np.int64]) -> None:
    opened = _opener(deltas)

    def picked() -> None:
        at = controls.opened_row(LIST, len(rows))
        if at is not None:
            opened(int(rows[at]) + 1)

    digits = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        listed,
        key=LIST,
        height=min(320, 38 + 35 * len(listed)),
        hide_index=True,
        on_select=picked,
        selection_mode="single-cell",
        column_config={"A": digits, "B": digits, "A - B": digits},
        alt="Queries of the brushed ranks with nDCG of A, of B, and the difference",
    )


def _opener(deltas: QueryDeltas) -> Callable[[int], None]:
    def opened(rank: int) -> None:
        if 1 <= rank <= len(deltas.query):
            state.change(ranking={"query": int(deltas.query[rank - 1]), "tab": "lists"})

    return opened
