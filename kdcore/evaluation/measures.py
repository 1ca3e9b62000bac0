"""Measure a model on a table, query by query, so that metrics can be resampled.

Every metric can be computed again under any weights of the queries, which is all that resampling
needs: a mean is a quotient of sums over queries, a gap (ECE) a sum of absolute quotients, an area
lies under a curve over all labelled pairs. Kinds and units are declared in metrics/definitions.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.evaluation import parts
from kdcore.evaluation.table import TableFacts
from kdcore.evaluation.tie_notes import TIED_DEPTH, Equal, equal_scores, tied_notes
from kdcore.labels import OWN
from kdcore.metrics import classification, ece, ranking
from kdcore.metrics.definitions import CATALOG, DEPTHS, Over, ndcg_key, of_kind
from kdcore.metrics.significance import resampled
from kdcore.metrics.weighted_areas import WeightedAreas
from kdcore.predictions import Predictions
from kdcore.scores import Scores

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
UNITS: tuple[Over, ...] = get_args(Over)
AREAS, ECE_KEYS = of_kind("area"), of_kind("gap")
_MODELS = 32  # the most models whose drawn areas a table stores


@dataclass(frozen=True)
class Measured:
    """A model's measurements on a table, stored per query, the queries in canonical order.

    numbers: (queries,) the number of each query in the table. means: the keys of the means. table:
    (queries, columns) the sum of each mean, then the counts of UNITS by which they are divided,
    then the gaps of each ECE. ece_errors: (eces, bins) standard errors of those gaps. order,
    groups, log_odds, relevant: what the areas need, labelled pairs only. curves: (queries, depth)
    nDCG by gain. labels: (queries, depth, classes + 1) expected label counts in the top k, the
    unlabelled last. tied: share of the places in the top 5 that ads of equal score take. model: its
    name. equal: whether it gives all pairs, or all of a query, one score. answers: what it gave.
    drawn: areas of the table's models on drawn queries, which `drawn_areas` reuses.
    """

    numbers: Ints
    means: tuple[str, ...]
    table: Floats
    ece_errors: Floats
    order: classification.ScoreOrder
    groups: Ints
    log_odds: Floats
    relevant: NDArray[np.bool_]
    curves: Mapping[str, Floats]
    labels: Floats
    tied: float
    model: str
    equal: Equal
    answers: Predictions
    drawn: dict[tuple[str, int, int], Floats]

    @property
    def linear_keys(self) -> tuple[str, ...]:
        """The metrics that `finish` returns, in its order."""
        return (*self.means, *ECE_KEYS)

    @property
    def keys(self) -> tuple[str, ...]:
        """The metrics that `values` returns, in its order."""
        return (*self.linear_keys, *AREAS)

    @property
    def queries(self) -> int:
        """How many queries the table has."""
        return len(self.table)

    @property
    def counts(self) -> Floats:
        """(queries, units) how many pairs or queries of each kind, in the order of UNITS."""
        return self._counts(self.table)

    def _counts(self, totals: Floats) -> Floats:
        return totals[:, len(self.means) : len(self.means) + len(UNITS)]

    def by_number(self, values: NDArray[Any]) -> NDArray[Any]:
        """Reorder (queries, ...) values from canonical order to the order of their numbers."""
        placed = np.empty_like(values)
        placed[self.numbers] = values
        return placed

    def tied_notes(self, prefix: str = "") -> tuple[str, ...]:
        """Return a sentence where many ads of the top 5 have equal scores, or all ads have."""
        return tied_notes(self.equal, self.tied, self.model, prefix)

    def count(self, key: str) -> int:
        """Count the pairs or queries that a metric is over."""
        return int(self.counts[:, UNITS.index(CATALOG[key].over)].sum())

    def finish(self, totals: Floats) -> Floats:
        """Compute (resamples, linear_keys) from (resamples, columns) weighted totals; 0 / 0 is nan.

        ECE is the plain one here, the sum of absolute gaps.
        """
        units = [UNITS.index(CATALOG[key].over) for key in self.means]
        below, above = self._counts(totals)[:, units], totals[:, : len(self.means)]
        means = ranking.share(above, below)
        return np.concatenate([means, np.abs(self.gaps(totals)).sum(axis=2).T], axis=1)

    def gaps(self, totals: Floats) -> Floats:
        """Compute (eces, resamples, bins) gaps of each ECE from (resamples, columns) totals."""
        labelled = self._counts(totals)[:, UNITS.index("labelled")][:, None]
        gaps = ranking.share(totals[:, len(self.means) + len(UNITS) :], labelled)
        return np.stack(np.split(gaps, len(ECE_KEYS), axis=1))

    def _linear(self, totals: Floats) -> Floats:
        """Return what `finish` does with each ECE corrected; below 0 where chance explains more."""
        values = self.finish(totals)
        each = zip(self.gaps(totals), self.ece_errors, strict=True)
        values[:, len(self.means) :] = np.column_stack([ece.corrected(*gap) for gap in each])
        return values

    def areas(self, weights: Floats) -> Floats:
        """Compute (resamples, areas) under (resamples, queries) weights; nan with one class."""
        roc, precision = self._weighted.under(weights)
        return np.column_stack([roc, np.where(np.isnan(roc), np.nan, precision)])

    @cached_property
    def _weighted(self) -> WeightedAreas:
        return self.order.weighted(self.groups, self.queries)

    def drawn_areas(self, resamples: int, seed: int) -> Floats:
        """Compute (resamples, areas) on drawn queries, once for all who ask for the same draws.

        They cost most of an interval; an evaluation, a comparison and a gap ask for the same.
        """
        key = self.answers.digest, resamples, seed
        if (areas := self.drawn.get(key)) is None:
            areas = resampled(self.areas, self.queries, resamples, len(AREAS), seed)
            while len(self.drawn) >= _MODELS:
                self.drawn.pop(next(iter(self.drawn)), None)
            self.drawn[key] = areas
        return areas

    def drawn_values(self, resamples: int, seed: int) -> Floats:
        """Compute (resamples, keys) every metric on drawn queries; an ECE may be below 0."""

        def linear(weights: Floats) -> Floats:
            return self._linear(weights @ self.table)

        draws = resampled(linear, self.queries, resamples, len(self.linear_keys), seed)
        return np.concatenate([draws, self.drawn_areas(resamples, seed)], axis=1)

    def values(self, weights: Floats | None = None) -> Floats:
        """Compute (resamples, keys) every metric under (resamples, queries) weights.

        Without weights: the value itself, no ECE of it below 0. Draws of an ECE may be below.
        """
        if weights is None:
            return self._whole.copy()
        return np.concatenate([self._linear(weights @ self.table), self.areas(weights)], axis=1)

    @cached_property
    def _whole(self) -> Floats:
        """(1, keys) the values themselves, no ECE below 0."""
        values = self._linear(self.table.sum(axis=0)[None])
        roc, precision = self.order.whole()
        areas = [[roc, np.nan if np.isnan(roc) else precision]]
        values = np.concatenate([values, areas], axis=1)
        eces = [self.keys.index(key) for key in ECE_KEYS]
        values[:, eces] = np.maximum(values[:, eces], 0.0)
        return values

    @cached_property
    def parts(self) -> Floats:
        """(queries, linear_keys) what `finish` makes of each query alone."""
        return self.finish(self.table)

    def value_of(self, key: str, weights: Floats | None = None) -> Floats:
        """Compute (resamples,) one metric; the areas, which cost most, only when it is one."""
        if weights is None:
            return self._whole[:, self.keys.index(key)].copy()
        if key in AREAS:
            return self.areas(weights)[:, AREAS.index(key)]
        return self._linear(weights @ self.table)[:, self.linear_keys.index(key)]


def checked(pairs: PairTable, predictions: Predictions) -> Predictions:
    """Return the predictions, or raise DataError when they are of other pairs or other grades."""
    classes = predictions.logits.shape[1]
    if classes != len(pairs.scheme):
        raise DataError(
            f"predictions of {predictions.model} have {classes} grades, {pairs.name} has "
            f"{len(pairs.scheme)}: {', '.join(pairs.scheme.grades)}; run infer again"
        )
    return predictions.require(pairs.content_hash, len(pairs))


def measure(
    pairs: PairTable,
    predictions: Predictions,
    teacher: Predictions | None = None,
    temperature: float = 2.0,
) -> Measured:
    """Measure a model once; unlabelled pairs are left out of every metric that reads a label.

    Everything is computed on the pairs in canonical order, so that nothing, not even a rounding or
    a draw of queries, depends on the order of the rows.

    temperature: at which teacher and model are compared.
    """
    numbers = np.argsort(pairs.query_tiebreaks)
    rows, pairs_in_order = pairs.canonical_rows, pairs.canonical
    predictions = checked(pairs, predictions).take(rows)
    teacher = checked(pairs, teacher).take(rows) if teacher else None
    return _measured(pairs_in_order, predictions, teacher, temperature, numbers)


def _measured(
    pairs: PairTable,
    predictions: Predictions,
    teacher: Predictions | None,
    temperature: float,
    numbers: Ints,
) -> Measured:
    facts = TableFacts.of(pairs)
    scores, index, queries = Scores.of(predictions, pairs.scheme), facts.index, facts.queries
    rows, groups, relevant = facts.rows, facts.groups, facts.relevant
    lists = ranking.RankedLists.of(scores.ranking[rows], groups, queries)
    curves = parts.ndcg_curves(lists, facts, pairs.scheme)
    rho = parts.rank_correlation(pairs, scores, teacher)
    relevance, odds = scores.relevance[rows], scores.log_odds[rows]
    of_labelled = parts.of_labelled(facts, predictions.logits, scores)
    of_all = parts.of_all(facts, predictions.logits, scores, teacher, temperature)
    # each mean's sum in each query, by key; what divides it is `over` in its definition
    means = {
        **{ndcg_key(g, k): _or_zero(c[:, k - 1]) for g, c in curves.items() for k in DEPTHS},
        **{key: facts.summed(values, groups) for key, values in of_labelled.items()},
        **{key: facts.summed(values, index) for key, values in of_all.items()},
        **({"teacher_rank_correlation": _or_zero(rho)} if teacher else {}),
    }
    counts = (np.bincount(each, minlength=queries) for each in (groups, index))
    with_ideal = {gain: np.isfinite(curve[:, 0]) for gain, curve in curves.items()}
    own = with_ideal.get(OWN, np.zeros(queries, dtype=bool))
    units = [with_ideal["linear"], *counts, np.isfinite(rho), own]  # as UNITS says
    gaps, ece_errors = ece.gaps(relevant, relevance, groups, queries, ECE_KEYS)
    whole = lists if facts.is_whole else ranking.RankedLists.of(scores.ranking, index, queries)
    return Measured(
        numbers=numbers,
        means=tuple(means),
        table=np.column_stack([*means.values(), *units, *gaps]).astype(float),
        ece_errors=ece_errors,
        order=classification.ScoreOrder.of(relevant, odds),
        groups=groups,
        log_odds=odds,
        relevant=relevant,
        curves=curves,
        labels=ranking.counts_in(whole, pairs.grades, len(pairs.scheme), ranking.DEPTH),
        tied=lists.tied_share(TIED_DEPTH),
        model=predictions.model,
        equal=equal_scores(scores.ranking, index),
        answers=predictions,
        drawn=pairs.memo.setdefault("areas drawn", {}),
    )


def _or_zero(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)
