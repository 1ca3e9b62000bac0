"""The result of a teacher's training: its metrics, and whether the form uses it."""

from math import isfinite

import streamlit as st

from app import services
from app.kit.texts import number
from app.parts.metric_cards import Card, interval, metric_cards
from app.services import access, draft
from app.views.distill.queries import verdict as cases
from app.views.distill.queries.verdict import METRIC, Trained

_SHOWN = (METRIC, "ndcg@5", "nll", "ece_mass")


def finding(run_id: str) -> str:
    """How well a finished teacher orders its test pairs, in a sentence; "" for any other run."""
    trained = cases.trained_teacher(run_id)
    if trained is None:
        return ""
    metric = services.evaluation(trained.board, trained.teacher).metrics[METRIC]
    within = interval(metric.low, metric.high)
    return (
        f"the teacher is trained: {metric.name} {number(metric.value)} {within} on "
        f"{metric.n:,} test {metric.n_unit}. {_next(trained)}"
    )


def draw(run_id: str) -> None:
    """Its metrics with their intervals; a button makes it the teacher where another run is."""
    trained = cases.trained_teacher(run_id)
    if trained is None:
        return
    with st.container(key="distill_judge"):
        cards = [card for key in _SHOWN if (card := _card(trained, key))]
        metric_cards(cards, key=f"judge_{run_id}", label="The teacher on its test pairs")
        if not _teaches(trained):
            st.button(
                "Use it as the teacher",
                icon=":material/school:",
                key="distill_let_teach",
                on_click=draft.take,
                args=("teacher", trained.run.id),
                **access.unless_public("The form above then distills from it; nothing is started."),
            )


def _teaches(trained: Trained) -> bool:
    return bool(draft.draft().at("teacher") == trained.run.id)


def _next(trained: Trained) -> str:
    if _teaches(trained):
        return "It teaches in the form below: Start distills a student from it."
    return "Use it as the teacher, and the form below distills a student from it."


def _card(trained: Trained, key: str) -> Card | None:
    metric = services.evaluation(trained.board, trained.teacher).metrics.get(key)
    if metric is None or not isfinite(metric.value):
        return None
    way = "Higher" if metric.higher_is_better else "Lower"
    return Card(
        label=f"Teacher, {metric.name}",
        value=number(metric.value),
        definition=f"{metric.definition} {way} is better. Interval: 95 % over queries.",
        n=f"n = {metric.n:,} {metric.n_unit}",
        interval=interval(metric.low, metric.high),
        role="teacher",
    )
