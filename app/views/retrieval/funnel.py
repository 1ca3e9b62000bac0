"""The funnel: all ads, those that ANN hands on, the student's order, the teacher's re-rank."""

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls, sections
from app.kit.chart_tools import Caption
from app.kit.texts import counted, signed
from app.services import Board
from app.views.retrieval import columns, rails
from app.views.retrieval.parts.funnel import funnel
from app.views.retrieval.sending import (
    DEPTH,
    against_alone,
    full_of,
    losses_of,
    sampled,
    sent,
    steps_of,
)
from kdcore.retrieval.funnel import Cuts, Losses, Step
from kdcore.retrieval.measuring.change import Change, change_of
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import ALONE_PAIRS, Study, milliseconds
from kdcore.retrieval.recall import Estimate, mean_with_interval

_RANDOM_ADS = (  # tests/benchmarks/random_ads.py, 2026-11-29
    "Why reading every ad need not be best: a teacher that has only seen ads shown for a query "
    "ranks some of the other ads too high. On the bundled world, a teacher that went on learning "
    "with random ads in a third of its pairs orders all 5,000 ads of a corpus better than one that "
    "went on without them: nDCG@5 0.800 against 0.755, +0.045 [+0.020, +0.073] (95 %, paired, "
    "40 queries, one seed)."
)


def draw(board: Board, request: Request, study: Study) -> str:
    """The funnel, its numbers and its ceiling; returns the finding."""
    search, now = rails.index(study, depth=False), state.now().retrieval
    name = f"{request.key}-{study.card['when']}"
    cuts = Cuts(now.candidates, min(now.reordered, now.candidates))
    if study.judged_queries < 2:
        return _unjudged(study, search, cuts)
    after, full = steps_of(study, name, search, cuts), full_of(study, name)
    sentence = _finding(study, search, cuts, after)
    with st.container(key="retrieval_funnel"):
        funnel(sent(study, name, search, cuts), "funnel")
    _save(request, study, table_of(study, search, cuts, after, full), sentence)
    st.text(_lost(losses_of(study, name, search, cuts), cuts))
    against = against_alone(study, name, search, cuts)
    st.text(_against(against) if against else _unread(study))
    if against:
        st.caption(_RANDOM_ADS)
    st.caption(
        f"nDCG@{DEPTH} by the truth ({study.card['truth']}), against the best order of all ads, "
        f"with gain 2^grade − 1, mean over n = {study.judged_queries} queries, or as many as a row "
        "says. Brackets hold 95 % intervals, which are computed when a dragged cut is released. "
        "What the teacher does not "
        "read keeps the student's order. ANN: the approximate search by the index. "
        "Ceiling: what a perfect later step reaches with the ads handed on. A student that "
        "ranks by cosine changes nothing after ANN, which orders by cosine already. The time of "
        "the teacher alone is computed from its time per pair."
    )
    _ceiling(request, study)
    return sentence


def _save(request: Request, study: Study, table: pd.DataFrame, sentence: str) -> None:
    """What is saved of the funnel: its picture, its rows, and a section of the report."""
    controls.exports(
        "retrieval_funnel",
        table,
        sentence,
        f"KD Lab, retrieval {request.key}",
        Caption(
            f"The funnel over {study.ads:,} ads: nDCG@{DEPTH} against time",
            f"n = {study.judged_queries} queries · truth: {study.card['truth']}",
        ),
    )
    texts = (sentence, _differs(study))
    title = "The funnel, step by step"
    sections.put("retrieval_funnel", lambda: sections.Section(title, texts, table))


def _finding(study: Study, search: int, cuts: Cuts, after: tuple[Step, Step, Step]) -> str:
    if cuts.reordered < 2:
        value, read = mean_with_interval(after[2].ndcg), ("no ad", "1 ad")[cuts.reordered]
        return (
            f"The teacher reads {read}, so it changes no order and there is nothing to test: "
            f"nDCG@{DEPTH} is that of the student's own order, {value.value:.3f} "
            f"[{value.low:.3f}, {value.high:.3f}], n = {value.n}."
        )
    gain = change_of(np.stack([after[2].ndcg, after[1].ndcg], axis=1))
    spent = milliseconds(
        study.card["times"], study.searches[search], cuts.candidates, cuts.reordered
    )
    whole = study.ads * study.card["times"]["teacher_pair_ms"] / 1000
    return (
        f"The teacher's re-rank of {cuts.reordered} of {study.ads:,} ads moves nDCG@{DEPTH} from "
        f"{gain.second:.3f} to {gain.first:.3f} ({signed(gain.difference)}, 95 % "
        f"{signed(gain.low)} to {signed(gain.high)}, paired, n = {gain.n}). The re-rank takes "
        f"{spent[3]:,.0f} ms of the funnel's {sum(spent):,.0f} ms per query; to read every ad, "
        f"the teacher would need {whole:,.0f} s."
    )


def _unjudged(study: Study, search: int, cuts: Cuts) -> str:
    """The finding where no truth is known: what the funnel costs, and that its worth is unknown."""
    spent = milliseconds(
        study.card["times"], study.searches[search], cuts.candidates, cuts.reordered
    )
    return (
        f"{columns.no_truth(study)}, so what the funnel loses cannot be told. With "
        f"{counted(cuts.candidates, 'ad')} handed on and {cuts.reordered} of them read by the "
        f"teacher, it takes {sum(spent):,.0f} ms per query."
    )


def _differs(study: Study) -> str:
    """Why a report holds two nDCG of one name."""
    return (
        f"This nDCG@{DEPTH} is of {study.judged_queries} queries over all {study.ads:,} ads, "
        f"against the best order of all of them ({study.card['truth']}). nDCG@{DEPTH} among the "
        "metrics of all pairs is another number: it orders only the labelled ads of each query."
    )


def _lost(lost: Losses, cuts: Cuts) -> str:
    """Where the funnel loses, in the order of its steps."""

    def part(values: NDArray[np.float64]) -> str:
        value = mean_with_interval(values)
        return f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"

    handed = counted(cuts.candidates, "ad") + (" is" if cuts.candidates == 1 else " are")
    return (
        f"What nDCG@{DEPTH} lacks to 1: {part(lost.cut)} because only {handed} handed on, "
        f"{part(lost.index)} by the index, {part(lost.order)} by the order of those ads (mean and "
        "95 % interval)."
    )


def _against(full: Change) -> str:
    """The funnel beside the teacher that reads every ad, on the queries for which it did."""
    return (
        f"On the {full.n} queries (a seeded sample) for which the teacher read every ad: funnel "
        f"{full.first:.3f}, teacher over all ads {full.second:.3f}, difference "
        f"{signed(full.difference)} (95 % {signed(full.low)} to {signed(full.high)}, paired), "
        f"{full.verdict}."
    )


def _unread(study: Study) -> str:
    """Why the teacher over all ads is not among the numbers."""
    if study.ads > ALONE_PAIRS:
        return (
            f"The teacher over all ads is not measured: it would read {study.ads:,} pairs for one "
            f"query, and at most {ALONE_PAIRS:,} are read."
        )
    return (
        "The teacher over all ads was not measured in this study; measure on this machine to see "
        "its nDCG."
    )


def table_of(
    study: Study, search: int, cuts: Cuts, after: tuple[Step, Step, Step], full: Estimate
) -> pd.DataFrame:
    """The rows of the funnel and of the teacher alone, each with its time, interval and n."""
    times = study.card["times"]
    query, index, student, teacher = milliseconds(
        times, study.searches[search], after[1].ads, after[2].ads
    )
    spent = (query + index, student, teacher)
    read = (rails.compared(study.searches[search], study.ads), *(f"{s.ads:,}" for s in after[1:]))
    rows = [
        _row(step.name, ads, ms, mean_with_interval(step.ndcg))
        for step, ads, ms in zip(after, read, spent, strict=True)
    ]
    if full.n:
        whole = study.ads * times["teacher_pair_ms"]
        same = mean_with_interval(sampled(study, after))
        name = f"this funnel on the {full.n} queries below"
        rows.append(_row(name, read[2], sum(spent), same))
        rows.append(_row("teacher alone, over all ads", f"{study.ads:,}", whole, full))
    for row, vector in zip(rows, (query, 0, 0, query, 0), strict=False):
        row["of it the query's vector, ms"] = round(float(vector), 3)
    return pd.DataFrame(rows)


def _row(name: str, ads: str, ms: float, value: Estimate) -> dict[str, object]:
    return {
        "after": name,
        "ads read": ads,
        "ms per query": round(ms, 3),
        f"nDCG@{DEPTH}": round(value.value, 4),
        "95 % low": round(value.low, 4),
        "95 % high": round(value.high, 4),
        "queries": value.n,
    }


def _ceiling(request: Request, study: Study) -> None:
    """How good a perfect later step could still be with the first n ads of the student."""
    from app.kit.figures.retrieval import Spot, spots

    marks, rows = [], []
    for place, ads in enumerate(study.at.tolist()):
        value = mean_with_interval(study.ceilings[0, :, place].astype(np.float64))
        if np.isfinite(value.value):
            text = f"first {ads:,} ads: ceiling {value.value:.3f}"
            marks.append(Spot(ads, value.value, value.low, value.high, text))
            rows.append({"first ads": ads, "ceiling of nDCG@10": value.value, "low": value.low,
                         "high": value.high, "queries": value.n})  # fmt: skip
    words = (
        "The ceiling: nDCG@10 that a perfect later step reaches with the student's first ads; "
        f"n = {study.judged_queries} queries, 95 % intervals."
    )
    st.subheader("What the first cut makes possible", anchor=False)
    st.text(words)
    controls.chart(
        spots(
            [("ceiling of the student's first ads", "student", marks)],
            ("first ads of the student (log scale)", "nDCG@10 of a perfect later step"),
            dark=controls.dark(),
        ),
        pd.DataFrame(rows),
        words,
        "retrieval_ceiling",
        f"KD Lab, retrieval {request.key}",
        Caption("The ceiling of the funnel", f"{study.ads:,} ads · n = {study.judged_queries}"),
    )
