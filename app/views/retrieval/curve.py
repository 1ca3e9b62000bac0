"""Recall of the index against exact search, and the time that it takes."""

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.by_hash import by_hash
from app.kit.chart_tools import Caption
from app.services import Board
from app.views.retrieval import rails
from app.views.retrieval.columns import no_truth
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import EXACT, FIRST_SEARCH, Search, Study
from kdcore.retrieval.recall import Estimate, mean_with_interval

ROLES = {"lists": "student", "graph": "teacher", "bytes": "twin", "bits": "rival"}


def draw(board: Board, request: Request, study: Study) -> str:
    """The curve with the chosen dot; returns the finding."""
    from app.kit.figures.retrieval import Spot, spots  # Plotly, only where it draws

    chosen, k = rails.index(study), state.now().retrieval.k
    name = f"{request.key}-{study.card['when']}"
    recalls = _recalls(study, name, k)
    search, value, exact = study.searches[chosen], recalls[chosen], study.exact_time

    def spot(search: Search, value: Estimate) -> Spot:
        size = f"{search.megabytes:.1f} MB"
        text = f"{rails.words(search)}\n{_recall(value, k)}\n{_time(search)}\n{size}"
        return Spot(search.p50_ms, value.value, value.low, value.high, text)

    lines = [
        (rails.INDEXES[kind], role, [spot(study.searches[i], recalls[i]) for i in places])
        for kind, role in ROLES.items()
        if (places := rails.places(study, kind))
    ]
    whole = Spot(exact.p50_ms, 1.0, 1.0, 1.0, f"Exact search\nrecall 1\n{_time(exact)}")
    figure = spots(
        [*lines, ("Exact", "gold", [whole])],
        ("median ms per query (log scale)", f"recall@{k} against exact search"),
        current=spot(search, value),
        dark=controls.dark(),
    )
    sentence = (
        f"{rails.words(search)}: {_recall(value, k)} at {search.p50_ms:.2f} ms per query (median), "
        f"where exact search over {study.ads:,} ads takes {exact.p50_ms:.2f} ms"
        f"{_worth(search, exact)}. {_vector(study)}"
    )
    caption = Caption(
        f"Recall@{k} against time, {study.ads:,} ads",
        f"{request.student.shown_title} · n = {value.n} queries",
    )
    made_from = f"KD Lab, retrieval {request.key}"
    table = _table(study, recalls, k)
    controls.chart(figure, table, sentence, "retrieval_recall", made_from, caption)
    st.text(_by_truth(study, name, chosen, k))
    _explain(study, search, value.n, k)
    return sentence


def _worth(search: Search, exact: Search) -> str:
    """Say that an index brings no speed where it brings none: it then costs recall for nothing."""
    if search.p50_ms < exact.p50_ms:
        return ""
    return (
        ": over so few ads this index does not pay, since exact search misses nothing and is no "
        "slower"
    )


def _vector(study: Study) -> str:
    """What comes before a search and is not in its time."""
    spent = study.card["times"]["query_ms"]
    return f"Before either, the student reads the query: {spent:.2f} ms more."


def _by_truth(study: Study, name: str, chosen: int, k: int) -> str:
    """Recall against the truth, which is another number than recall against exact search."""
    if not study.judged_queries:
        return f"{no_truth(study)}, so recall against the truth is not known."
    exact, index = (_truth_recall(study, name, bit, k) for bit in (EXACT, FIRST_SEARCH + chosen))
    return (
        f"Of the true best {k} ads, the first {k} of exact search hold {_span(exact)}, "
        f"those of this index {_span(index)} (recall against the truth, n = {exact.n} queries)."
    )


@by_hash(most=60, on=lambda study, name, bit, k: (name, bit, k))
def _truth_recall(study: Study, name: str, bit: int, k: int) -> Estimate:
    return mean_with_interval(study.truth_recall_of(bit, k))


def _span(value: Estimate) -> str:
    return f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"


def _explain(study: Study, search: Search, queries: int, k: int) -> None:
    """What the picture shows, in words."""
    st.caption(
        f"Recall@{k} against exact search: the share of the {k} ads of largest cosine that the "
        "index has among its own; an ad that ties with the last one counts. Bars: 95 % intervals "
        f"over n = {queries} queries (bootstrap). A line joins the marks of an index in the "
        "order of their effort; where it runs back, more effort was measured as faster, which "
        "is noise of the times. Time: one query at a time after warm-up, from its vector to the "
        "ads, with k = 10. "
        f"Size: {search.recipe} {search.megabytes:.1f} MB, built in {search.build_seconds:.1f} s; "
        f"exact {study.exact_time.megabytes:.1f} MB. A 1-bit index holds no float vectors: "
        "those that rescore its ads are stored elsewhere, for example on disk."
    )


@by_hash(most=60, on=lambda study, name, k: (name, k))
def _recalls(study: Study, name: str, k: int) -> list[Estimate]:
    return [mean_with_interval(study.recall_of(i, k)) for i in range(len(study.searches))]


def _recall(value: Estimate, k: int) -> str:
    return f"recall@{k} {_span(value)}, n = {value.n}"


def _time(search: Search) -> str:
    return (
        f"{search.p50_ms:.3f} ms median, {search.p95_ms:.3f} ms p95 of {search.n} queries; "
        f"{search.per_second:,.0f} per second in one batch"
    )


def _table(study: Study, recalls: list[Estimate], k: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "index": [each.recipe for each in study.searches],
            "effort": [each.effort for each in study.searches],
            f"recall@{k}": [each.value for each in recalls],
            "low": [each.low for each in recalls],
            "high": [each.high for each in recalls],
            "queries": [each.n for each in recalls],
            "p50 ms": [each.p50_ms for each in study.searches],
            "p95 ms": [each.p95_ms for each in study.searches],
            "queries/s": [each.per_second for each in study.searches],
            "MB": [each.megabytes for each in study.searches],
            "build s": [each.build_seconds for each in study.searches],
        }
    )
