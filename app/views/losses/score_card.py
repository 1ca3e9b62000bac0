"""What the teacher's scores are good for, beside the losses that read their scale."""

import streamlit as st

from app import state
from app.kit.by_hash import by_hash
from app.kit.texts import degrees, md
from app.services import Answers
from app.views.losses.scene import Scene
from kdcore.data.pairs import PairTable
from kdcore.judging import score_card
from kdcore.scores import Scores

_HELP = (
    "Of the teacher's log-odds of relevance on all pairs here. Spread: largest minus smallest of "
    "the median query's ads. Rank correlation: mean Spearman correlation with the grades "
    "over the queries that the grades order. Suggested T: the median query's standard deviation "
    "is then 1."
)


def draw(scene: Scene) -> None:
    """The card in a line, and each of its warnings."""
    teacher, _ = scene.models
    card = _card(teacher, scene.pairs, state.now().losses.T)
    if card.lists:
        parts = [f"spread {card.spread:.2g}", f"suggested T {degrees(card.suggested_temperature)}"]
        if card.correlation == card.correlation:
            parts.insert(1, f"rank correlation {card.correlation:.2f} with the grades")
        st.caption(
            f":material/straighten: The teacher's scores within a query: {', '.join(parts)}; over "
            f"{card.lists:,} {'query' if card.lists == 1 else 'queries'}.",
            help=_HELP,
        )
    for sentence in card.warnings:
        st.warning(md(sentence))


@by_hash(most=40)
def _card(teacher: Answers, pairs: PairTable, temperature: float) -> score_card.ScoreCard:
    log_odds = Scores.of(teacher.predictions, pairs.scheme).log_odds
    return score_card.score_card(log_odds, pairs.query_ids, pairs.grades, temperature)
