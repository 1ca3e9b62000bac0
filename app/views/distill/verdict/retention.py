"""What a student keeps of its teacher's quality, and what it costs, in DistilBERT's manner."""

from math import isfinite

import streamlit as st

from app.kit.texts import duration, md, percent, signed
from app.parts.metric_cards import Card, metric_cards
from app.views.distill.queries import verdict as cases
from app.views.distill.queries.verdict import Case
from app.views.distill.verdict import next_experiments
from kdcore.evaluation.gap import NOT_CLEAR
from kdcore.experiments.estimate.estimate import estimated_and_true
from kdcore.judging.retention import DISTILBERT, Retention
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.sizes import ModelSize

_MOVING = (
    "Its teacher learned at the same time, so there is no finished teacher of which it could keep "
    "a share."
)
_NOT_SCORED = (
    "The teacher has not scored these pairs, so the share kept of its quality is not known."
)
_NO_TEACHER = {
    "peer": _MOVING,
    "ema": _MOVING,
    "file": "The file that taught it does not score every test pair, so the share kept of its "
    "quality is not known.",
}


def draw(case: Case) -> None:
    """Share of the teacher's quality, size and speed, in DistilBERT's manner."""
    retention = cases.retention_of(case)
    st.subheader("What it keeps, and what it costs", anchor=False)
    if retention is None:
        st.caption(_NO_TEACHER.get(case.config.teaching.kind, _NOT_SCORED))
        return
    cards = [
        _quality(retention),
        *_size(retention, cases.size_of(case.run)),
        *_speed(retention),
        *_time(case),
    ]
    metric_cards(cards, key=f"judge_kept_{case.run.id}", label="Retention")
    if not isfinite(retention.p50_ms):
        next_experiments.measure(case)
    bert = DISTILBERT
    st.caption(
        f"{md(retention.conditions)} For scale: {bert.name} ({md(bert.paper)}) kept "
        f"{percent(bert.share)} of its teacher with {percent(1 - bert.parameters_share)} fewer "
        f"weights: {md(bert.floor)}."
    )


def _quality(result: Retention) -> Card:
    name, count = CATALOG[result.metric].name, f"n = {result.n:,} {result.n_unit}"
    definition = (
        f"{name} of the student over the teacher's, both counted from {result.floor_name}: a "
        f"model at chance keeps 0 %. Counted from 0 it is {percent(result.raw, 1)} "
        f"[{percent(result.raw_low, 1)}, {percent(result.raw_high, 1)}]. Interval: 95 %, both "
        f"models on the same bootstrap samples of queries. {result.reason}"
    )
    clear = isfinite(result.share)
    return Card(
        label=f"Kept of the teacher's {name}",
        value=percent(result.share) if clear else NOT_CLEAR,
        definition=definition.strip(),
        interval=f"[{percent(result.share_low)}, {percent(result.share_high)}]" if clear else "",
        n=f"above chance · {count}" if clear else count,
        delta=f"twin alone {percent(result.twin_share)}" if isfinite(result.twin_share) else "",
        role="student",
    )


def _size(result: Retention, size: ModelSize | None = None) -> list[Card]:
    """size: of the model's file, which may store weights in 16 bits."""
    if not result.parameters:
        return []
    share, half = result.parameters_share, size is not None and size.half
    return [
        Card(
            "Size",
            f"{result.megabytes:.2f} MB",
            "Weights of the network at float32, in 10⁶ bytes; no tokenizer.",
            n=f"{result.parameters:,} parameters{' (stored in half precision)' if half else ''}",
            delta=f"{percent(share)} of the teacher's" if isfinite(share) else "",
            role="student",
        )
    ]


def _speed(result: Retention) -> list[Card]:
    """Latency and, where the teacher was timed as well, how much faster the student is."""
    if not isfinite(result.p50_ms):
        return []
    teacher = f"teacher {result.teacher_p50_ms:.2f} / {result.teacher_p95_ms:.2f} ms"
    latency = Card(
        "Latency of one pair",
        f"{result.p50_ms:.2f} ms",
        f"Median (p50) and 95th percentile. {result.conditions}",
        n=teacher if isfinite(result.teacher_p50_ms) else "",
        delta=f"p95 {result.p95_ms:.2f} ms",
        role="student",
    )
    if not isfinite(result.speedup):
        return [latency]
    definition = (
        f"The teacher's median latency over the student's, batch 1. {result.conditions} A "
        "two-tower student encoded query and ad here; with ads encoded in advance it encodes "
        f"only the query. In batches it scores {result.throughput:,.0f} pairs per second, "
        f"{result.throughput_share:.1f} times the teacher's rate."
    )
    batches = f"in batches {result.throughput_share:.1f} ×"
    if abs(result.speedup_one_thread - result.speedup) > 1e-9:
        batches = f"on one thread {result.speedup_one_thread:.1f} × · {batches}"
    speed = Card("Speed", f"{result.speedup:.1f} ×", definition, n=batches, role="student")
    return [latency, speed]


def _time(case: Case) -> list[Card]:
    """How long the run took, and its estimate."""
    times = estimated_and_true(case.run)
    if times is None or not isfinite(times[0]):
        return []
    estimated, true = times
    return [
        Card(
            "Training took",
            duration(true),
            "Seconds that the run took, and the estimate made before it started.",
            n=f"estimated {duration(estimated)}",
            delta=f"{signed(100 * (true / estimated - 1), 0)} %" if estimated else "",
        )
    ]
