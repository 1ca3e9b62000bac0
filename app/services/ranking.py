"""Ranking numbers of a board beyond an Evaluation: every query at every depth, and all models."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.kit.by_hash import by_hash
from app.services.answers import Answers, answers, sources_on
from app.services.boards import Board, all_models
from kdcore.evaluation.comparison import DensityDifference, Difference, density_differences
from kdcore.evaluation.curves import (
    DensityCurve,
    NdcgCurve,
    density_curve,
    ndcg_curve,
    ndcg_difference,
)
from kdcore.evaluation.intervals import detectable as detectable_difference
from kdcore.evaluation.measures import Measured, measure
from kdcore.labels import GAINS
from kdcore.metrics.ranking import ranked_mean

Floats = NDArray[np.float64]
RESAMPLES = 1000
PERMUTATIONS = 10_000
MANY_QUERIES = 5_000  # above it a fifth of the permutations: p to 0.0005, in a second or two
STANDING_DEPTHS = (1, 3, 5, 10, 20)


@dataclass(frozen=True)
class QueryDeltas:
    """nDCG@k of a minus b for each query that has an ideal, greatest first.

    query: (queries,) number of the query in the pairs; a, b, delta: (queries,).
    """

    query: NDArray[np.int64]
    a: Floats
    b: Floats
    delta: Floats


@dataclass(frozen=True)
class Standing:
    """One model's mean nDCG under every variant: (gain, k) -> value."""

    key: str
    title: str
    values: dict[tuple[str, int], float]


def permutations(board: Board) -> int:
    """How often the models trade queries in a test on this board."""
    queries = int(board.pairs.query_ids.max(initial=-1)) + 1
    return PERMUTATIONS if queries <= MANY_QUERIES else PERMUTATIONS // 5


@by_hash(most=40, spinner="Ranking every query…", on=lambda board, model: (board.pairs, model))
def per_query(board: Board, model: Answers) -> Measured:
    """A model's measurements query by query."""
    return measure(board.pairs, model.predictions)


def label_shares(board: Board, model: Answers) -> DensityCurve:
    """Which labels fill the top k of a model: an Evaluation's density without the rest of it."""
    return density_curve(per_query(board, model))


@by_hash(
    most=80,
    spinner="Resampling queries for the intervals…",
    on=lambda board, model, gain: (board.pairs, model, gain),
)
def curve(board: Board, model: Answers, gain: str) -> NdcgCurve:
    """nDCG over depth with its references and intervals: an Evaluation's, without the rest."""
    return ndcg_curve(board.pairs, per_query(board, model), gain, RESAMPLES)


def ranked_queries(board: Board, model: Answers, gain: str) -> tuple[int, int]:
    """How many queries have an ideal order under a gain, and how many have none: left out."""
    ranked = np.isfinite(per_query(board, model).curves[gain][:, 0])
    return int(ranked.sum()), int((~ranked).sum())


@by_hash(
    most=200,
    spinner="Testing this depth on every query…",
    on=lambda board, a, b, k: (board.pairs, a, b, k),
)
def density(board: Board, a: Answers, b: Answers, k: int) -> tuple[DensityDifference, ...]:
    """Each grade's pooled share in the top k, tested as kdcore.compare does, worst grade first."""
    one, other = (per_query(board, model) for model in (a, b))
    effort = (RESAMPLES, permutations(board), 0)
    return density_differences(board.pairs.scheme, one, other, k, effort)


@by_hash(
    most=200,
    spinner="Resampling queries for the intervals…",
    on=lambda board, a, b, metric="roc_auc": (board.pairs, a, b, metric),
)
def detectable(board: Board, a: Answers, b: Answers, metric: str = "roc_auc") -> float:
    """The smallest difference of two models that a test on these pairs finds 4 times in 5."""
    return detectable_difference(per_query(board, a), per_query(board, b), metric)


def deltas(board: Board, a: Answers, b: Answers, gain: str, k: int) -> QueryDeltas:
    """Each query's difference; ties are ordered by a hash of the query."""
    ours, theirs = (per_query(board, model).curves[gain][:, k - 1] for model in (a, b))
    change = ours - theirs
    ranked = np.flatnonzero(np.isfinite(change))
    order = ranked[np.argsort(-change[ranked], kind="stable")]
    numbers = per_query(board, a).numbers[order]
    return QueryDeltas(numbers, ours[order], theirs[order], change[order])


def ndcg_of_queries(board: Board, model: Answers, gain: str, k: int) -> Floats:
    """(queries,) nDCG@k of each query by its number in the pairs; nan without an ideal."""
    measured = per_query(board, model)
    return measured.by_number(measured.curves[gain][:, k - 1])


@by_hash(
    most=200,
    spinner="Testing the difference on every query…",
    on=lambda board, a, b, gain, k: (board.pairs, a, b, gain, k),
)
def difference(board: Board, a: Answers, b: Answers, gain: str, k: int) -> Difference:
    """The mean difference at any k, tested as kdcore.evaluation.comparison tests its few depths."""
    one, other = (per_query(board, model) for model in (a, b))
    return ndcg_difference(one, other, gain, k, RESAMPLES, permutations(board))


def left_out(board: Board) -> list[tuple[str, int]]:
    """Models that have scored some of the board's pairs but not all: title, and how many."""
    ranked = {standing.key for standing in standings(board)}
    rows = np.arange(len(board.all_pairs)) if board.rows is None else board.rows
    partial = [answers(s) for s in sources_on(board.all_pairs) if s.key not in ranked]
    return [
        (model.title, int(np.isin(rows, model.predictions.rows).sum()))
        for model in partial
        if model.predictions.rows is not None
    ]


def standings(board: Board) -> list[Standing]:
    """Every model that has scored these pairs, under every variant, best at nDCG@5 first."""
    models = {model.key: model for model in (*board.models.values(), *all_models(board))}
    means = []
    for model in models.values():
        curves = {
            gain: ranked_mean(curve) for gain, curve in per_query(board, model).curves.items()
        }
        values: dict[tuple[str, int], float] = {
            (gain, k): float(curve[k - 1])
            for gain, curve in curves.items()
            for k in STANDING_DEPTHS
        }
        means.append(Standing(model.key, model.title, values))
    return sorted(means, key=lambda s: -np.nan_to_num(s.values[GAINS[0], 5]))
