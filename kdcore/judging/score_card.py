"""What a teacher's scores are good for before a student learns from them: a card of their scale."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.metrics.agreement import rank_correlation
from kdcore.metrics.ranking import compact

Floats = NDArray[np.float64]
FLAT = 0.5  # log-odds; a list that spreads less hardly orders its ads
KEPT = 100.0  # widest gap over T that a softmax in single precision can still express
LOW, HIGH = 0.25, 100.0  # the temperatures that a config accepts


@dataclass(frozen=True)
class ScoreCard:
    """The scale of a teacher's log-odds within the lists of ads that share a query.

    lists: queries with two ads or more. spread: the median list's largest minus smallest number.
    deviation: the median list's standard deviation. temperature: T of the next. lost: share of the
    ads in lists whose soft label over the list is exactly 0 in single precision. correlation: mean
    Spearman's rho with the grades over the lists that the grades order. suggested_temperature: the
    median list then has a standard deviation of 1, and no ad is lost. What cannot be said is nan.
    """

    lists: int
    spread: float
    deviation: float
    temperature: float
    lost: float
    correlation: float
    suggested_temperature: float
    warnings: tuple[str, ...]


def score_card(
    log_odds: NDArray[Any],
    query_ids: NDArray[np.integer[Any]],
    grades: NDArray[np.integer[Any]] | None = None,
    temperature: float = 1.0,
    *,
    ready: bool = False,
) -> ScoreCard:
    """Measure a teacher's (pairs,) log-odds; grades: (pairs,), -1 where a pair has no label.

    ready: they are a ready model's own logits, which no file can have given as probabilities.
    The suggestion follows logit standardization (arXiv:2403.01427), which divides by the standard
    deviation. It is a start, and not the best value.
    """
    scores = np.asarray(log_odds, dtype=np.float64)
    index, queries = compact(query_ids)
    sizes = np.bincount(index, minlength=queries)
    inside = sizes[index] >= 2
    lists = int((sizes >= 2).sum())
    top, bottom = (np.full(queries, side) for side in (-np.inf, np.inf))
    np.maximum.at(top, index, scores)
    np.minimum.at(bottom, index, scores)
    spreads = (top - bottom)[sizes >= 2]
    correlation = _correlation(scores, query_ids, grades)
    nan = float("nan")
    if not lists:
        text = "No query has two ads: a ranking loss has nothing to compare."
        return ScoreCard(0, nan, nan, temperature, nan, correlation, nan, (text,))
    means = np.bincount(index, scores) / sizes
    squares = np.bincount(index, (scores - means[index]) ** 2)
    deviation = float(np.median(np.sqrt(squares / sizes)[sizes >= 2]))
    gaps = ((scores - top[index]) / temperature)[inside]
    lost = float((np.exp(gaps.astype(np.float32)) == 0).mean())
    suggested = float(np.clip(max(deviation, spreads.max() / KEPT), LOW, HIGH))
    spread = float(np.median(spreads))
    card = ScoreCard(lists, spread, deviation, temperature, lost, correlation, suggested, ())
    return ScoreCard(**{**vars(card), "warnings": _warnings(card, scores, ready)})


def _correlation(
    scores: Floats,
    query_ids: NDArray[np.integer[Any]],
    grades: NDArray[np.integer[Any]] | None,
) -> float:
    """Mean rho over the queries that the grades order; nan when there is none."""
    if grades is None:
        return float("nan")
    labelled = np.asarray(grades) >= 0
    rho = rank_correlation(scores[labelled], np.asarray(grades)[labelled], query_ids[labelled])
    rho = rho[~np.isnan(rho)]
    return float(rho.mean()) if len(rho) else float("nan")


def _warnings(card: ScoreCard, scores: Floats, ready: bool) -> tuple[str, ...]:
    """A sentence for each trouble that would not show in a loss curve."""
    sentences = []
    if card.lost > 0:
        sentences.append(
            f"At T = {card.temperature:g}, {card.lost:.1%} of the ads get a soft label of exactly "
            f"0, and the student learns nothing of them; T = {card.suggested_temperature:.2g} "
            "keeps more."
        )
    if card.spread < FLAT:
        cause = "it hardly tells the ads of a query apart"
        if ready:
            cause = "it hardly distinguishes the ads of a query; was its head trained?"
        elif scores.min() >= 0 and scores.max() <= 1:
            cause = "these look like probabilities, and log-odds are needed"
        sentences.append(
            f"The teacher's scores spread by only {card.spread:.2g} within a query: "
            f"{cause}{'' if ready else '.'}"
        )
    if card.correlation <= 0:
        sentences.append(
            "The teacher's order of a query's ads goes against their grades (mean rank "
            f"correlation {card.correlation:.2f}); check whether a higher score means better."
        )
    return tuple(sentences)
