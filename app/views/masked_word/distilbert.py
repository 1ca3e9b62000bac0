"""The card of DistilBERT: what half of the layers keep, beside the paper's 97 / 40 / 60."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.texts import md, percent, signed
from app.parts.metric_cards import Card, metric_cards
from app.views.masked_word import queries
from kdcore.judging.retention import DISTILBERT

CURVES = {"soft": "soft labels", "mlm": "hidden words", "cosine": "cosine of last states"}
Share = Mapping[str, float]  # value, low, high, n


def draw() -> None:
    """The measured numbers with those of the paper, the ablation's table and the three curves."""
    result = queries.measured_distilbert()
    st.subheader("DistilBERT: what half of the layers keep", anchor=False)
    if not result:
        st.caption("Not measured here yet: `kdlab masked measure` does it, in about 20 minutes.")
        return
    paper = DISTILBERT
    st.caption(_measured(result))
    metric_cards(
        [_words(result), _relevance(result), _size(result), *_speed(result)],
        key="distilbert_cards",
        label="DistilBERT, measured on the bundled world",
    )
    st.caption(
        f"Ours: measured on {md(result['made'])} with `{result['command']}`; run it to measure "
        f"again. The paper's 97 / 40 / 60 ({md(paper.paper)}): {percent(paper.share)} is "
        f"{md(paper.floor)}; 40 % smaller is 66 M of BERT-base's 110 M weights. 60 % faster: "
        f"{percent(paper.speedup - 1)}, {md(paper.conditions)}."
    )
    with st.expander("Which loss matters? Ablation, and the curves of one run"):
        _ablation(result)
        _curves(result)


def _measured(result: Mapping[str, Any]) -> str:
    """Which two models were measured, and that they are not those of the picture above."""
    teacher, student = result["teacher"]["layers"], result["student"]["layers"]
    weights = result["weights"]
    return (
        f"Measured: a teacher of {teacher} layers and {weights['teacher']:,} weights, and a "
        f"student of {student} layers and {weights['student']:,} weights, both trained for this "
        "card; they are not the two models above."
    )


def _words(result: Mapping[str, Any]) -> Card:
    words, seeds = result["masked_words"], result["seeds"]
    each = ", ".join(percent(value, 1) for value in words["seeds"])
    return Card(
        label="Masked words kept",
        value=percent(words["kept"]["value"], 1),
        definition=(
            f"The students' masked-word accuracy over their teacher's, mean of {len(seeds)} "
            f"students ({each}); with the first seed {_text(words['student'])} over "
            f"{_text(words['teacher'])}. Accuracy: the share of hidden word pieces that a model "
            f"puts first. 15 % of the pieces of {words['texts']:,} texts (query and ad, of "
            "queries that no model has seen) are hidden, the same for every model. Interval: "
            "95 %, bootstrap over queries."
        ),
        interval=_interval(words["kept"]),
        n=f"n = {words['kept']['n']:,.0f} hidden pieces · {len(seeds)} seeds",
        delta=f"paper, GLUE: {percent(DISTILBERT.share)}",
        role="student",
    )


def _relevance(result: Mapping[str, Any]) -> Card:
    area, tuning = result["roc_auc"], result["tuning"]
    return Card(
        label="ROC-AUC kept",
        value=percent(area["kept"]["value"], 1),
        definition=(
            "ROC-AUC of the student over the teacher's on the world's test pairs, after both were "
            f"fine-tuned alike: {result['pairs']:,} labelled pairs, {tuning['epochs']} epochs, "
            f"batches of {tuning['batch_size']}. Means of {len(result['seeds'])} seeds: "
            f"{area['student']['value']:.3f} over {area['teacher']['value']:.3f}. Counted from "
            f"chance, 0.5, it keeps {_text(area['kept_above_chance'])}. Interval: 95 %, both "
            "models on the same bootstrap samples of queries."
        ),
        interval=_interval(area["kept"]),
        n=f"n = {area['kept']['n']:,.0f} pairs · {len(result['seeds'])} seeds",
        delta=f"paper, GLUE: {percent(DISTILBERT.share)}",
        role="student",
    )


def _size(result: Mapping[str, Any]) -> Card:
    weights = result["weights"]
    return Card(
        label="Smaller",
        value=percent(1 - weights["student"] / weights["teacher"]),
        definition=(
            "One minus the student's weights over the teacher's: embeddings and layers, without "
            "the head that fills gaps. Counted, so it has no interval."
        ),
        n=f"{weights['student']:,} of {weights['teacher']:,} weights",
        delta=f"paper: {percent(1 - DISTILBERT.parameters_share)}",
        role="student",
    )


def _speed(result: Mapping[str, Any]) -> list[Card]:
    times = result["latency"]
    speedup, student, teacher = times["speedup"], times["student"], times["teacher"]
    conditions = (
        "From token ids to logits of one text (batch 1), both models in turns in one process, in "
        f"CPU time, so that other programs do not count ({result['machine']})."
    )
    ends = [percent(speedup[end] - 1) for end in ("low", "high")]
    return [
        Card(
            label="Faster",
            value=percent(speedup["value"] - 1),
            definition=(
                f"The teacher's median latency over the student's, minus 1. {conditions} "
                "Interval: 95 %, bootstrap over texts."
            ),
            interval=f"[{ends[0]}, {ends[1]}]",
            n=f"n = {speedup['n']:,.0f} texts",
            delta="paper: 60 %",
            role="student",
        ),
        Card(
            label="Latency of one text",
            value=f"{student['p50_ms']:.2f} ms",
            definition=f"Median (p50) and 95th percentile (p95). {conditions}",
            n=f"teacher {teacher['p50_ms']:.2f} / {teacher['p95_ms']:.2f} ms",
            delta=f"p95 {student['p95_ms']:.2f} ms",
            role="student",
        ),
    ]


def _ablation(result: Mapping[str, Any]) -> None:
    """Each loss left out, and a random start, beside the student with all three losses."""
    rows = result["ablation"]
    st.markdown("**Ablation**")
    st.dataframe(
        _table(rows),
        hide_index=True,
        width="stretch",
        key="distilbert_ablation",
        alt="Ablation of DistilBERT: masked-word accuracy of students that lack a loss or a start.",
    )
    costs = sorted(rows[1:], key=lambda row: row["difference"]["value"])
    order = ", ".join(f"{r['change']} {signed(100 * r['difference']['value'], 1)}" for r in costs)
    st.caption(
        f"One seed each, {result['student']['steps']:,} steps (the teacher had "
        f"{result['teacher']['steps']:,}, so a random start is far from trained); n = "
        f"{rows[0]['accuracy']['n']:,.0f} hidden pieces, the same for all; intervals: 95 %, "
        f"bootstrap over queries. Points: accuracy in percent minus that of {rows[0]['change']}. "
        f"Here: {order}. According to others, whose summaries were read instead of the paper, a "
        "random start costs most there, then leaving out the soft labels, the cosine and the "
        "hidden words, in this order. “No teacher” is ours."
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    points = [{end: 100 * row["difference"][end] for end in _ENDS} for row in rows]
    losses = [[title for name, title in CURVES.items() if name in row["curves"]] for row in rows]
    return pd.DataFrame(
        {
            "student": [row["change"] for row in rows],
            "losses": [", ".join(titles) for titles in losses],
            "accuracy": [_text(row["accuracy"]) for row in rows],
            "share of the teacher's": [_text(row["kept"]) for row in rows],
            "difference in points": [
                "–"
                if not place
                else f"{signed(p['value'], 1)} [{signed(p['low'], 1)}, {signed(p['high'], 1)}]"
                for place, p in enumerate(points)
            ],
        }
    )


_ENDS = ("value", "low", "high")


def _curves(result: Mapping[str, Any]) -> None:
    """The three losses of the run with all of them, unweighted."""
    from app.kit.figures.language import loss_curves

    table = pd.DataFrame(result["curves"])[["step", *CURVES]].rename(columns=CURVES)
    first, last = table.iloc[0], table.iloc[-1]
    ends = "; ".join(f"{name} {first[name]:.3f} to {last[name]:.3f}" for name in CURVES.values())
    sentence = f"Losses of one run, without their weights 5, 2 and 1: {ends}."
    controls.chart(
        loss_curves(table, controls.dark()),
        table,
        sentence,
        "distilbert_curves",
        f"KD Lab {result['command']} {result['made']}",
        Caption("DistilBERT: three losses of one run", "world, seed 0"),
    )
    st.caption(sentence)


def _text(share: Share) -> str:
    return f"{percent(share['value'], 1)} {_interval(share)}"


def _interval(share: Share) -> str:
    return f"[{percent(share['low'], 1)}, {percent(share['high'], 1)}]"
