"""The score card of a draft's teacher, measured on the test pairs that it has scored."""

import numpy as np

from app import services
from app.kit.by_hash import by_hash
from app.services import draft
from app.services.answers import Answers, answers
from app.services.draft import Draft
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.evaluation.measures import measure
from kdcore.judging.chance import near_chance
from kdcore.judging.score_card import ScoreCard, score_card
from kdcore.metrics.classification import roc_auc
from kdcore.scores import log_odds

_GOOD = 0.65  # a ROC-AUC above which nobody has to be warned


def of_draft(now: Draft, temperature: float) -> ScoreCard | None:
    """The card at a temperature; None where the teacher has not scored these data's test pairs."""
    scored = _scored(now)
    if scored is None:
        return None
    teacher, pairs = scored
    ready = teacher.run is not None and teacher.run.stage == "teach"
    return _card(teacher, pairs, temperature, ready)


def chance(now: Draft) -> str:
    """A sentence when the draft's teacher ranks the test pairs hardly better than chance."""
    scored = _scored(now)
    return _chance(*scored) if scored else ""


def _scored(now: Draft) -> tuple[Answers, PairTable] | None:
    """The teacher's answers to the test pairs of the draft's data, where it has scored them."""
    model = draft.teachers().get(str(now.at("teacher") or ""))
    name = str(now.at("data") or "").partition(":")[0]
    choice = next((each for each in services.data_choices() if each.key == name), None)
    if model is None or choice is None:
        return None
    pairs = services.pairs_of(choice)
    for source in services.sources_on(pairs):
        if source.run is not None and source.run.folder == model.run.folder:
            return answers(source), pairs
    return None


@by_hash(most=20, on=lambda scored, pairs, *how: (scored.cache_key, pairs.content_hash, how))
def _card(scored: Answers, pairs: PairTable, temperature: float, ready: bool) -> ScoreCard:
    odds = log_odds(scored.predictions.logits, pairs.scheme)
    return score_card(odds, pairs.query_ids, pairs.grades, temperature, ready=ready)


@by_hash(most=20, on=lambda scored, pairs: (scored.cache_key, pairs.content_hash))
def _chance(scored: Answers, pairs: PairTable) -> str:
    rows = np.flatnonzero(pairs.grades != UNLABELLED)
    if not len(rows):
        return ""
    odds = log_odds(scored.predictions.logits, pairs.scheme)
    relevant = pairs.grades[rows] >= pairs.scheme.relevant_from
    value = roc_auc(relevant, odds[rows])
    if not value < _GOOD:  # intervals take long, and a good teacher needs none
        return ""
    near = near_chance(pairs, measure(pairs, scored.predictions))
    area = next((metric for metric in near if metric.name == "ROC-AUC"), None)
    if area is None:
        return ""
    amount = "no" if area.low <= 0 else "hardly"
    return f"This teacher ranks {amount} better than chance on these pairs (ROC-AUC {value:.3f})."
