"""Serving: what is computed offline and what online, and vectors in fewer bits."""

import pandas as pd
import streamlit as st

from app.kit import controls
from app.services import Board
from app.views.retrieval import rails
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import Study, milliseconds


def draw(board: Board, request: Request, study: Study) -> str:
    """The split of time and the ways to store vectors; returns the finding."""
    times, search = study.card["times"], study.searches[rails.index(study, depth=False)]
    query, search_ms, _, _ = milliseconds(times, search, 100, 0)
    offline, whole = study.ads * times["ad_ms"] / 1000, study.ads * times["teacher_pair_ms"] / 1000
    sentence = (
        f"Two towers read each ad once, offline ({offline:,.1f} s for {study.ads:,} ads); a query "
        f"then costs {query + search_ms:.1f} ms. A cross-encoder would read every pair online: "
        f"{whole:,.0f} s per query."
    )
    st.subheader("Offline and online", anchor=False)
    table = pd.DataFrame(
        [
            {"when": "offline, once", "work": "vectors of all ads", "ms": offline * 1000},
            {"when": "offline, once", "work": f"index {search.recipe}",
             "ms": search.build_seconds * 1000},
            {"when": "online, per query", "work": "vector of the query", "ms": query},
            {"when": "online, per query", "work": rails.words(search), "ms": search_ms},
            {"when": "online, per query", "work": "teacher on 100 ads",
             "ms": 100 * times["teacher_pair_ms"]},
            {"when": "online, per query", "work": "teacher on all ads (computed per pair)",
             "ms": whole * 1000},
        ]
    )  # fmt: skip
    table["time"] = [_duration(ms) for ms in table["ms"]]
    _table("retrieval_times", table, sentence, request)
    st.caption(
        "Times of the machine that measured this: “Measured …” below says when, whether that was "
        "here, and whether it was busy. "
        "Vectors of ads: mean over 1,000 ads in one batch; vector of the query: median of 20; "
        "search: median; teacher: median of 20 lists of 100 ads. The time of the teacher on all "
        "ads is computed from its time per pair."
    )
    _codes(request, study)
    return sentence


def _codes(request: Request, study: Study) -> None:
    st.subheader("Vectors in fewer bits", anchor=False)
    if not study.card["codes"]:
        st.text("Ways to store vectors are compared up to 200,000 ads.")
        return
    rows = [
        {
            "stored as": f"32 bits, float: {study.width} dimensions",
            "MB": study.ads * 4 * study.width / 1e6,
            "recall@10": "1",
            "with 40 rescored": "1",
            "queries": len(study.queries),
        }
    ]
    for way in study.card["codes"]:
        rows.append(
            {
                "stored as": way["words"],
                "MB": study.ads * way["bytes"] / 1e6,
                "recall@10": _span(way["recall"]),
                "with 40 rescored": _span(way["rescored"]),
                "queries": way["recall"][3],
            }
        )
    fixed = next(way for way in study.card["codes"] if way["way"] == "int8_fixed_range")
    own = next(way for way in study.card["codes"] if way["way"] == "int8")
    words = (
        "In 8 bits by (v + 1) · 255 / 2, where v is a number of a vector of length 1 (−1 to 1), "
        f"vectors keep {100 * fixed['recall'][0]:.0f} % of the "
        f"exact best ten; with a range measured per dimension {100 * own['recall'][0]:.0f} %. "
        "Both take a quarter of the bytes."
    )
    st.text(words)
    _table("retrieval_codes", pd.DataFrame(rows), words, request)
    st.caption(
        "Recall@10 against exact search over float vectors, with its 95 % interval over "
        f"n = {len(study.queries)} queries. A float query is compared with the decoded vectors; "
        "rescored: the float vectors order the first 40 again."
    )


def _table(key: str, table: pd.DataFrame, sentence: str, request: Request) -> None:
    shown = table.drop(columns="ms", errors="ignore")
    if "MB" in shown:
        shown["MB"] = shown["MB"].map("{:,.2f}".format)
    with st.container(key=key):
        st.table(shown, hide_index=True)
    controls.exports(key, table, sentence, f"KD Lab, retrieval {request.key}", None)


def _duration(ms: float) -> str:
    """Milliseconds below a second, else seconds, in three digits."""
    return (
        f"{ms:.3g} ms"
        if ms < 1000
        else f"{ms / 1000:,.3g} s"
        if ms < 1e5
        else f"{ms / 1000:,.0f} s"
    )


def _span(estimate: list[float]) -> str:
    value, low, high, _ = estimate
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
