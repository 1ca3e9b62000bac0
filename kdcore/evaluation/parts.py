"""What each pair or query adds to a metric, before anything is summed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable
from kdcore.evaluation.table import TableFacts
from kdcore.labels import LabelScheme
from kdcore.metrics import agreement, classification, ranking
from kdcore.predictions import Predictions
from kdcore.scores import Scores
from kdcore.softlabels import kl

Floats = NDArray[np.float64]


def of_labelled(facts: TableFacts, logits: NDArray[Any], scores: Scores) -> dict[str, NDArray[Any]]:
    """Compute the metrics of labelled pairs, (labelled,) each."""
    rows, relevance = facts.rows, scores.relevance[facts.rows]
    values: dict[str, NDArray[Any]] = {
        "accuracy": classification.correct(facts.relevant, relevance),
        "nll": -classification.at_grade(scores.log_soft[rows], facts.grades),
        "brier": classification.brier(facts.relevant, relevance),
    }
    if logits.shape[1] > 2:
        values["grade_accuracy"] = agreement.top_grade(logits[rows]) == facts.grades
    return values


def of_all(
    facts: TableFacts,
    logits: NDArray[Any],
    scores: Scores,
    teacher: Predictions | None,
    temperature: float,
) -> dict[str, NDArray[Any]]:
    """Compute the metrics against truth and teacher, (pairs,) each."""
    values: dict[str, NDArray[Any]] = {}
    if facts.truth is not None:
        values["truth_kl"] = agreement.truth_kl_of_logs(facts.truth, facts.entropy, scores.log_soft)
        values["truth_mae"] = agreement.truth_error(facts.likely, scores.relevance)
    if teacher is not None:
        values["teacher_kl"] = kl(teacher.logits, logits, temperature)
        values["teacher_agreement"] = agreement.same_top_grade(logits, teacher.logits)
    return values


def rank_correlation(pairs: PairTable, scores: Scores, teacher: Predictions | None) -> Floats:
    """Compute (queries,) rank correlation with the teacher; nan without one."""
    if teacher is None:
        return np.full(int(pairs.query_ids.max(initial=-1)) + 1, np.nan)
    reference = Scores.of(teacher, pairs.scheme).ranking
    return agreement.rank_correlation(scores.ranking, reference, pairs.query_ids)


def ndcg_curves(
    lists: ranking.RankedLists, facts: TableFacts, scheme: LabelScheme
) -> dict[str, Floats]:
    """Compute (queries, depth) nDCG of each gain."""
    curves = {}
    for gain in scheme.gain_kinds:
        top = lists.top(scheme.gains(gain)[facts.grades], ranking.DEPTH)
        curves[str(gain)] = ranking.normalize(ranking.dcg(top), facts.ideal[gain])
    return curves
