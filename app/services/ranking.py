"""Ranking numbers of a board beyond an Evaluation: every query at every depth, and all models."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.services.boards import Answers, Board, answers, sources_on
from kdcore.comparison import DensityDifference, Difference, density_differences
from kdcore.evaluate import DensityCurve, NdcgCurve
from kdcore.labels import GAINS, GainKind
from kdcore.measures import Measured, measure
from kdcore.metrics.definitions import CATALOG, ndcg_key
from kdcore.metrics.ranking import DEPTH, label_density, ndcg_random, ndcg_worst, skill
from kdcore.metrics.significance import (
    bootstrap_weights,
    interval,
    sign_flip_p,
    smallest_detectable,
    verdict,
)
from kdcore.pairs import UNLABELLED, PairTable

Floats = NDArray[np.float64]
RESAMPLES = 1000
PERMUTATIONS = 10_000
MANY_QUERIES = 5_000  # above it a fifth of the permutations: p to 0.0005, in a second or two
STANDING_DEPTHS = (1, 3, 5, 10, 20)


@dataclass(frozen=True)
class QueryDeltas:
    """nDCG@k of a minus b for each query that has an ideal, greatest first.

    query: (queries,) number of the query in the table; a, b, delta: (queries,).
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


def per_query(board: Board, who: Answers) -> Measured:
    """A model's measurements query by query, worked out once."""
    return _measured((board.pairs.content_hash, who.hash), board.pairs, who)


@st.cache_resource(max_entries=40, show_spinner="Ranking every query…")
def _measured(key: tuple[str, ...], _pairs: PairTable, _who: Answers) -> Measured:
    return measure(_pairs, _who.predictions)


def label_shares(board: Board, who: Answers) -> DensityCurve:
    """Which labels fill the top k of a model: an Evaluation's density without the rest of it."""
    labels = per_query(board, who).labels
    pooled, mean = label_density(labels), label_density(labels, average="query")
    return DensityCurve(
        tuple(map(_floats, pooled.shares)),
        tuple(map(_floats, mean.shares)),
        _floats(pooled.coverage),
        tuple(int(n) for n in pooled.judged),
    )


def curve(board: Board, who: Answers, gain: str) -> NdcgCurve:
    """nDCG over depth with its references and intervals: an Evaluation's, without the rest."""
    return _curve((board.pairs.content_hash, who.hash), gain, board, who)


@st.cache_resource(max_entries=80, show_spinner="Drawing queries anew for the intervals…")
def _curve(key: tuple[str, ...], gain: str, _board: Board, _who: Answers) -> NdcgCurve:
    each = per_query(_board, _who).curves[gain]
    low, high = interval(_draws(each))
    judged = np.flatnonzero(_board.pairs.grades != UNLABELLED)
    gains = _board.pairs.scheme.gains(cast(GainKind, gain))[_board.pairs.grades[judged]]
    of = _board.pairs.query_ids[judged]
    random, worst = (_means(line(gains, of, DEPTH)) for line in (ndcg_random, ndcg_worst))
    model = _means(each)
    return NdcgCurve(
        _floats(model),
        _floats(low),
        _floats(high),
        _floats(random),
        _floats(worst),
        _floats(skill(model, random)),
    )


def ranked_queries(board: Board, who: Answers) -> tuple[int, int]:
    """How many queries have an ideal order, and how many have none and are left out."""
    known = np.isfinite(per_query(board, who).curves[GAINS[0]][:, 0])
    return int(known.sum()), int((~known).sum())


def density(board: Board, a: Answers, b: Answers, k: int) -> tuple[DensityDifference, ...]:
    """Each grade's pooled share in the top k, tested as kdcore.compare does, worst grade first."""
    return _density((board.pairs.content_hash, a.hash, b.hash), k, board, a, b)


@st.cache_resource(max_entries=200, show_spinner="Testing this depth on every query…")
def _density(
    key: tuple[str, ...], k: int, _board: Board, _a: Answers, _b: Answers
) -> tuple[DensityDifference, ...]:
    one, other = (per_query(_board, who) for who in (_a, _b))
    effort = (RESAMPLES, permutations(_board), 0)
    return density_differences(_board.pairs.scheme, one, other, k, effort)


def deltas(board: Board, a: Answers, b: Answers, gain: str, k: int) -> QueryDeltas:
    """Each query's difference; equal ones keep the order of the table."""
    ours, theirs = (per_query(board, who).curves[gain][:, k - 1] for who in (a, b))
    known = np.flatnonzero(np.isfinite(ours) & np.isfinite(theirs))
    order = known[np.argsort(-(ours - theirs)[known], kind="stable")]
    return QueryDeltas(order, ours[order], theirs[order], (ours - theirs)[order])


def difference(board: Board, a: Answers, b: Answers, gain: str, k: int) -> Difference:
    """The mean difference at any k, tested as kdcore.comparison tests its few depths."""
    key = (board.pairs.content_hash, a.hash, b.hash)
    return _difference(key, gain, k, board, a, b)


@st.cache_resource(max_entries=200, show_spinner="Testing the difference on every query…")
def _difference(
    key: tuple[str, ...], gain: str, k: int, _board: Board, _a: Answers, _b: Answers
) -> Difference:
    ours, theirs = (per_query(_board, who).curves[gain][:, k - 1] for who in (_a, _b))
    moved = ours - theirs
    draws = _draws(moved[:, None])
    known, swapped = np.isfinite(moved), permutations(_board)
    low, high = (float(end[0]) for end in interval(draws))
    p = float(sign_flip_p(moved[:, None], swapped)[0]) if known.any() else float("nan")
    return Difference(
        key=ndcg_key(gain, k),
        name=name_of(gain, k),
        value_a=_mean(ours),
        value_b=_mean(theirs),
        delta=_mean(moved),
        low=low,
        high=high,
        p=p,
        permutations=swapped,
        smallest_detectable=float(smallest_detectable(draws)[0]),
        verdict=verdict(low, high, p),
        n=int(known.sum()),
        n_unit="queries",
        higher_is_better=True,
        definition=definition_of(gain, k),
    )


def _draws(each: Floats) -> Floats:
    """(resamples, columns) means over drawn queries; none below two queries, as the engine does.

    each: (queries, columns), nan where a query has no ideal.
    """
    known, values = np.isfinite(each[:, :1]).astype(float), np.nan_to_num(each)
    drawn = [np.zeros((0, each.shape[1]))]
    for weights in bootstrap_weights(len(each), RESAMPLES if len(each) > 1 else 0, seed=0):
        below, above = weights @ known, weights @ values
        drawn.append(np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0))
    return np.concatenate(drawn)


def name_of(gain: str, k: int) -> str:
    """nDCG@k with its gain, as it is named beside every number."""
    return f"nDCG@{k}, gain {'2^grade − 1' if gain == 'exp2' else 'grade'}"


def definition_of(gain: str, k: int) -> str:
    """The variant in a sentence, the engine's own words at any k."""
    return CATALOG[ndcg_key(gain, 5)].sentence.replace("@5", f"@{k}")


def standings(board: Board) -> list[Standing]:
    """Every model that answered these pairs, under every variant, best at nDCG@5 first."""
    shown = {who.key: who for who in (board.teacher, board.student, board.twin) if who}
    shown |= {s.key: answers(s) for s in sources_on(board.pairs) if s.key not in shown}
    found = []
    for held in shown.values():
        curves = per_query(board, held).curves
        values: dict[tuple[str, int], float] = {
            (g, k): _mean(curves[g][:, k - 1]) for g in GAINS for k in STANDING_DEPTHS
        }
        found.append(Standing(held.key, held.title, values))
    return sorted(found, key=lambda s: -np.nan_to_num(s.values[GAINS[0], 5]))


def _mean(values: Floats) -> float:
    return float(_means(values[:, None])[0])


def _means(each: Floats) -> Floats:
    """(columns,) means of the queries that have an ideal; nan when none has."""
    known = each[np.isfinite(each[:, 0])] if len(each) else each
    return known.mean(axis=0) if len(known) else np.full(each.shape[1], np.nan)


def _floats(values: NDArray[Any]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
