"""What a student keeps of its teacher's quality, and what it costs, in DistilBERT's manner."""

from math import isfinite

import streamlit as st

from app.kit.texts import duration, md, percent, signed
from app.parts.metric_cards import Card, metric_cards
from app.views.distill.queries import verdict
from app.views.distill.queries.verdict import Case
from app.views.distill.verdict import next_experiments
from kdcore.evaluation.gap import NOT_CLEAR
from kdcore.experiments.estimate.estimate import estimated_and_true
from kdcore.judging.retention import DISTILBERT, Retention
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.sizes import ModelSize


def draw(case: Case) -> None:
    """Share of the teacher's quality, size and speed, in DistilBERT's manner."""
    kept = verdict.kept(case)
    st.subheader("What it keeps, and what it costs", anchor=False)
    if kept is None:
        st.caption(
            "The teacher has not scored these pairs, so the share kept of its quality is not known."
        )
        return
    cards = [_quality(kept), *_costs(kept, verdict.size_of(case.run)), *_time(case)]
    metric_cards(cards, key=f"judge_kept_{case.run.id}", label="Retention")
    if not isfinite(kept.p50_ms):
        next_experiments.measure(case)
    bert = DISTILBERT
    st.caption(
        f"{md(kept.conditions)} For scale: {bert.name} ({md(bert.paper)}) kept "
        f"{percent(bert.kept)} of its teacher with {percent(1 - bert.parameters_share)} fewer "
        f"weights: {md(bert.floor)}."
    )


def _quality(kept: Retention) -> Card:
    name = CATALOG[kept.metric].name
    told = (
        f"{name} of the student over the teacher's, both counted from {kept.floor_name}: a model "
        f"at chance keeps 0 %. Counted from 0 it is {percent(kept.raw, 1)} "
        f"[{percent(kept.raw_low, 1)}, {percent(kept.raw_high, 1)}]. Interval: 95 %, both models "
        f"on the same bootstrap samples of queries. {kept.reason}"
    )
    known = isfinite(kept.kept)
    twin = f"twin alone {percent(kept.twin_kept)}" if isfinite(kept.twin_kept) else ""
    count = f"n = {kept.n:,} {kept.n_unit}"
    return Card(
        label=f"Kept of the teacher's {name}",
        value=percent(kept.kept) if known else NOT_CLEAR,
        definition=told.strip(),
        interval=f"[{percent(kept.kept_low)}, {percent(kept.kept_high)}]" if known else "",
        n=f"above chance · {count}" if known else count,
        delta=twin,
        role="student",
    )


def _costs(kept: Retention, size: ModelSize | None = None) -> list[Card]:
    """Size and speed of the student. size: of its file, which may keep weights in 16 bits."""
    cards, stored = [], " (stored in half precision)" if size and size.half else ""
    if kept.parameters:
        share = kept.parameters_share
        told = f"{percent(share)} of the teacher's" if isfinite(share) else ""
        cards.append(
            Card(
                "Size",
                f"{kept.megabytes:.2f} MB",
                "Weights of the network at float32, in 10⁶ bytes; no tokenizer.",
                n=f"{kept.parameters:,} parameters{stored}",
                delta=told,
                role="student",
            )
        )
    if isfinite(kept.p50_ms):
        cards += _speeds(kept)
    return cards


def _speeds(kept: Retention) -> list[Card]:
    teacher = (
        f"teacher {kept.teacher_p50_ms:.2f} / {kept.teacher_p95_ms:.2f} ms"
        if isfinite(kept.teacher_p50_ms)
        else ""
    )
    latency = Card(
        "Latency of one pair",
        f"{kept.p50_ms:.2f} ms",
        f"Median (p50) and 95th percentile. {kept.conditions}",
        n=teacher,
        delta=f"p95 {kept.p95_ms:.2f} ms",
        role="student",
    )
    if not isfinite(kept.speedup):
        return [latency]
    told = (
        f"The teacher's median latency over the student's, batch 1. {kept.conditions} A "
        "two-tower student encoded query and ad here; with ads encoded in advance it encodes "
        f"only the query. In batches it scores {kept.throughput:,.0f} pairs per second, "
        f"{kept.throughput_share:.1f} times the teacher's rate."
    )
    rest = f"in batches {kept.throughput_share:.1f} ×"
    if abs(kept.speedup_one_thread - kept.speedup) > 1e-9:
        rest = f"on one thread {kept.speedup_one_thread:.1f} × · {rest}"
    return [latency, Card("Speed", f"{kept.speedup:.1f} ×", told, n=rest, role="student")]


def _time(case: Case) -> list[Card]:
    """How long the run took, and its estimate."""
    both = estimated_and_true(case.run)
    if both is None or not isfinite(both[0]):
        return []
    estimated, true = both
    return [
        Card(
            "Training took",
            duration(true),
            "Seconds that the run took, and the estimate made before it started.",
            n=f"estimated {duration(estimated)}",
            delta=f"{signed(100 * (true / estimated - 1), 0)} %" if estimated else "",
        )
    ]
