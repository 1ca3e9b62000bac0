"""The score card of a draft's teacher, measured on the test pairs that it has scored."""

from app import services
from app.kit.by_hash import by_hash
from app.services import draft
from app.services.answers import Answers, answers
from app.services.draft import Draft
from kdcore.data.pairs import PairTable
from kdcore.judging.score_card import ScoreCard, score_card
from kdcore.scores import log_odds


def of_draft(now: Draft, temperature: float) -> ScoreCard | None:
    """The card at a temperature; None where the teacher has not scored these data's test pairs."""
    model = draft.teachers().get(str(now.at("teacher") or ""))
    name = str(now.at("data") or "").partition(":")[0]
    choice = next((each for each in services.data_choices() if each.key == name), None)
    if model is None or choice is None:
        return None
    pairs = services.pairs_of(choice)
    for source in services.sources_on(pairs):
        if source.run is not None and source.run.folder == model.run.folder:
            return _card(answers(source), pairs, temperature, model.run.stage == "teach")
    return None


@by_hash(most=20, on=lambda scored, pairs, *how: (scored.cache_key, pairs.content_hash, how))
def _card(scored: Answers, pairs: PairTable, temperature: float, ready: bool) -> ScoreCard:
    odds = log_odds(scored.predictions.logits, pairs.scheme)
    return score_card(odds, pairs.query_ids, pairs.grades, temperature, ready=ready)
