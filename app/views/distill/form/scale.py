"""What the teacher's scores are good for, beside a term that compares the ads of a query."""

from math import isnan

import streamlit as st

from app.kit.texts import md
from app.services.draft import Draft
from app.views.distill.queries import scale
from kdcore.judging.score_card import FLAT, ScoreCard

_HELP = (
    "Of each query with two ads or more: the largest minus the smallest log-odds of relevance, and "
    "the standard deviation; shown is the median query. Rank correlation is the mean of Spearman's "
    "rho over the queries that the grades order. The suggestion makes the median query's standard "
    "deviation 1, after logit standardization (arXiv:2403.01427): a start, not the best value."
)


def draw(now: Draft, knobs: str) -> None:
    """The card's numbers and each of its warnings. knobs: the path of the term's knobs."""
    value = now.at(f"{knobs}.temperature")
    card = scale.of_draft(now, float(value) if isinstance(value, (int, float)) else 1.0)
    if card is None:
        st.caption(
            "How far this teacher's scores lie apart within a query is not known here: it has not "
            "scored the test pairs of these data. The run records it when it starts."
        )
        return
    st.caption(_sentence(card), help=_HELP)
    for warning in card.warnings:
        st.warning(md(warning))


def _sentence(card: ScoreCard) -> str:
    if not card.lists:
        return "The teacher's scores of the test pairs cannot be compared within a query."
    order = f", rank correlation with the grades {card.correlation:.2f}"
    suggestion = f"; suggested T {card.suggested_temperature:.2g}" if card.spread >= FLAT else ""
    return (
        f"The teacher's scores within a query, over {card.lists:,} queries of the test pairs: they "
        f"spread by {card.spread:.1f} log-odds (standard deviation {card.deviation:.1f})"
        f"{'' if isnan(card.correlation) else order}{suggestion}."
    )
