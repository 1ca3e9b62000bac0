"""A model's measurements on a table, kept query by query.

A metric is a quotient of sums over queries (nDCG, NLL), a sum of absolute quotients (ECE) or an
area under a curve. All can be had again under any weights of the queries, which is all that
resampling needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.errors import DataError
from kdcore.evaluation.equal_scores import TIED_DEPTH, Equal, equal_scores, tied_notes
from kdcore.labels import GAINS, LabelScheme
from kdcore.metrics import agreement, calibration, classification, ece, ranking
from kdcore.metrics.definitions import DEPTHS, ndcg_key
from kdcore.predictions import Predictions
from kdcore.scores import Scores
from kdcore.softlabels import kl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = tuple[str, NDArray[Any]]  # the unit that divides it, its sum in each query
UNITS = ("ranked", "labelled", "pairs", "correlated")
ECES: dict[str, calibration.Binning] = {"ece_width": "width", "ece_mass": "mass"}


@dataclass(frozen=True)
class Measured:
    """A model's measurements on a table, kept per query, the queries in canonical order.

    numbers: (queries,) the number of each query in the table. table: (queries, columns) sums of
    each quotient, then the units they are divided by, then the gaps of both ECE. unit_of:
    (quotients,) which unit divides each. errors: (2, bins) standard errors of the gaps of both
    ECE. order, groups, log_odds, relevant: what the areas need, labelled pairs only. curves:
    (queries, depth) nDCG by gain. labels: (queries, depth, classes + 1) expected label counts in
    the top k, unjudged last. tied: share of the places in the top 5 held by ads of equal score.
    model: its name. equal: whether it gives all pairs, or all of a query, one score.
    """

    numbers: Ints
    quotients: tuple[str, ...]
    table: Floats
    unit_of: tuple[int, ...]
    errors: Floats
    order: classification.ScoreOrder
    groups: Ints
    log_odds: Floats
    relevant: NDArray[np.bool_]
    curves: Mapping[str, Floats]
    labels: Floats
    tied: float
    model: str
    equal: Equal

    @property
    def linear_keys(self) -> tuple[str, ...]:
        """The metrics that `finish` gives, in its order."""
        return (*self.quotients, *ECES)

    @property
    def keys(self) -> tuple[str, ...]:
        """The metrics that `values` gives, in its order."""
        return (*self.linear_keys, "roc_auc", "pr_auc")

    @property
    def queries(self) -> int:
        """How many queries the table has."""
        return len(self.table)

    @property
    def units(self) -> slice:
        """Columns of the table that count: ranked, labelled, pairs, correlated."""
        return slice(len(self.quotients), len(self.quotients) + len(UNITS))

    def by_number(self, values: NDArray[Any]) -> NDArray[Any]:
        """(queries, ...) values of queries in canonical order, in order of their numbers."""
        placed = np.empty_like(values)
        placed[self.numbers] = values
        return placed

    def tied_notes(self, whose: str = "") -> tuple[str, ...]:
        """A sentence where many ads of the top 5 have equal scores, or all ads have."""
        return tied_notes(self.equal, self.tied, self.model, whose)

    def count(self, key: str) -> int:
        """Pairs or queries that a metric is over."""
        unit = UNITS.index("labelled")
        if key in self.quotients:
            unit = self.unit_of[self.quotients.index(key)]
        return int(self.table[:, self.units][:, unit].sum())

    def finish(self, totals: Floats) -> Floats:
        """(resamples, linear_keys) from (resamples, columns) weighted totals; 0 / 0 is nan.

        ECE is the plain one here, the sum of absolute gaps.
        """
        below = totals[:, self.units][:, list(self.unit_of)]
        above, nothing = totals[:, : len(self.quotients)], np.full_like(below, np.nan)
        quotients = np.divide(above, below, out=nothing, where=below > 0)
        return np.concatenate([quotients, np.abs(self.gaps(totals)).sum(axis=2).T], axis=1)

    def gaps(self, totals: Floats) -> Floats:
        """(2, resamples, bins) gaps of both ECE from (resamples, columns) weighted totals."""
        labelled = totals[:, self.units][:, UNITS.index("labelled")][:, None]
        sums = totals[:, self.units.stop :]
        gaps = np.divide(sums, labelled, out=np.full_like(sums, np.nan), where=labelled > 0)
        return np.stack(np.split(gaps, len(ECES), axis=1))

    def _linear(self, totals: Floats) -> Floats:
        """What `finish` gives, with each ECE corrected; below 0 where chance explains more."""
        values = self.finish(totals)
        both = zip(self.gaps(totals), self.errors, strict=True)
        values[:, len(self.quotients) :] = np.column_stack([ece.corrected(*each) for each in both])
        return values

    def areas(self, weights: Floats) -> Floats:
        """(resamples, 2) ROC-AUC and PR-AUC under (resamples, queries) weights; one class: nan."""
        roc, precision = self.order.areas(weights, self.groups)
        return np.column_stack([roc, np.where(np.isnan(roc), np.nan, precision)])

    def values(self, weights: Floats | None = None) -> Floats:
        """(resamples, keys) every metric under (resamples, queries) weights.

        By default all 1: the value itself, no ECE of it below 0. Draws of an ECE may be below.
        """
        if weights is None:
            found = self.values(np.ones((1, self.queries)))
            eces = [self.keys.index(key) for key in ECES]
            found[:, eces] = np.maximum(found[:, eces], 0.0)
            return found
        return np.concatenate([self._linear(weights @ self.table), self.areas(weights)], axis=1)

    def value_of(self, key: str, weights: Floats | None = None) -> Floats:
        """(resamples,) one metric, without working out the areas for nothing."""
        if weights is None:
            found = self.value_of(key, np.ones((1, self.queries)))
            return np.maximum(found, 0.0) if key in ECES else found
        if key in self.linear_keys:
            return self._linear(weights @ self.table)[:, self.linear_keys.index(key)]
        return self.areas(weights)[:, ("roc_auc", "pr_auc").index(key)]


def checked(pairs: PairTable, predictions: Predictions) -> Predictions:
    """The predictions, or DataError when they belong to other pairs or other grades."""
    classes = predictions.logits.shape[1]
    if classes != len(pairs.scheme):
        raise DataError(
            f"predictions of {predictions.model} know {classes} grades, {pairs.name} has "
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

    All is worked out on the pairs in canonical order, so that nothing, not even a rounding or a
    draw of queries, depends on the order of the rows.
    """
    rows = pairs.canonical_rows
    said = checked(pairs, predictions).take(rows)
    taught = checked(pairs, teacher).take(rows) if teacher else None
    numbers = np.argsort(pairs.query_tiebreaks)
    return _measured(pairs.canonical, said, taught, temperature, numbers)


def _measured(
    pairs: PairTable,
    predictions: Predictions,
    teacher: Predictions | None,
    temperature: float,
    numbers: Ints,
) -> Measured:
    logits, scores = predictions.logits, Scores.of(predictions, pairs.scheme)
    index, queries = pairs.query_ids, len(numbers)
    rows = np.flatnonzero(pairs.grades != UNLABELLED)
    groups, grades = index[rows], pairs.grades[rows]
    relevant, relevance = pairs.relevant[rows], scores.relevance[rows]
    lists = ranking.RankedLists.of(scores.ranking[rows], groups, queries)
    tied = lists.tied_share(TIED_DEPTH)
    curves = _curves(lists, grades, groups, pairs.scheme)
    rho = _correlation(pairs, scores, teacher)
    errors = _errors(grades, logits[rows], relevant, relevance)
    distances = _distances(pairs, logits, scores, teacher, temperature)
    columns = _ndcg_columns(curves)
    columns |= {key: ("labelled", _sum(v, groups, queries)) for key, v in errors.items()}
    columns |= {key: ("pairs", _sum(v, index, queries)) for key, v in distances.items()}
    columns |= {"teacher_rank_correlation": ("correlated", _known(rho))} if teacher else {}
    units = [np.isfinite(curves["linear"][:, 0]), np.bincount(groups, minlength=queries)]
    units += [np.bincount(index, minlength=queries), np.isfinite(rho)]
    gaps, errors_of_gaps = _gaps(relevant, relevance, groups, queries)
    if len(rows) < len(pairs):
        lists = ranking.RankedLists.of(scores.ranking, index, queries)
    return Measured(
        numbers=numbers,
        quotients=tuple(columns),
        table=np.column_stack([*(c for _, c in columns.values()), *units, *gaps]).astype(float),
        unit_of=tuple(UNITS.index(unit) for unit, _ in columns.values()),
        errors=errors_of_gaps,
        order=classification.ScoreOrder.of(relevant, scores.log_odds[rows]),
        groups=groups,
        log_odds=scores.log_odds[rows],
        relevant=relevant,
        curves=curves,
        labels=ranking.counts_in(lists, pairs.grades, len(pairs.scheme), ranking.DEPTH),
        tied=tied,
        model=predictions.model,
        equal=equal_scores(scores.ranking, index),
    )


def _ndcg_columns(curves: Mapping[str, Floats]) -> dict[str, Column]:
    return {
        ndcg_key(gain, k): ("ranked", _known(curve[:, k - 1]))
        for gain, curve in curves.items()
        for k in DEPTHS
    }


def _known(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)


def _errors(
    grades: Ints, logits: NDArray[Any], relevant: NDArray[np.bool_], relevance: Floats
) -> dict[str, NDArray[Any]]:
    errors: dict[str, NDArray[Any]] = {
        "accuracy": classification.correct(relevant, relevance),
        "nll": classification.nll(grades, logits),
        "brier": classification.brier(relevant, relevance),
    }
    if logits.shape[1] > 2:
        errors["grade_accuracy"] = np.argmax(logits, axis=1) == grades
    return errors


def _correlation(pairs: PairTable, scores: Scores, teacher: Predictions | None) -> Floats:
    if teacher is None:
        return np.full(int(pairs.query_ids.max(initial=-1)) + 1, np.nan)
    reference = Scores.of(teacher, pairs.scheme).ranking
    return agreement.rank_correlation(scores.ranking, reference, pairs.query_ids)


def _curves(
    lists: ranking.RankedLists, grades: Ints, groups: Ints, scheme: LabelScheme
) -> dict[str, Floats]:
    best = ranking.RankedLists.of(grades, groups, len(lists.sizes))
    curves = {}
    for gain in GAINS:
        gains = scheme.gains(gain)[grades]
        top, ideal = (x.top(gains, ranking.DEPTH) for x in (lists, best))
        curves[str(gain)] = ranking.normalize(ranking.dcg(top), ranking.dcg(ideal))
    return curves


def _distances(
    pairs: PairTable,
    logits: NDArray[Any],
    scores: Scores,
    teacher: Predictions | None,
    temperature: float,
) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    if pairs.truth is not None:
        true_relevance = pairs.scheme.relevance(pairs.truth)
        found["truth_kl"] = agreement.truth_kl(pairs.truth, logits)
        found["truth_mae"] = agreement.truth_error(true_relevance, scores.relevance)
    if teacher is not None:
        found["teacher_kl"] = kl(teacher.logits, logits, temperature)
        found["teacher_agreement"] = agreement.same_top_grade(logits, teacher.logits)
    return found


def _gaps(
    relevant: NDArray[np.bool_], relevance: Floats, groups: Ints, queries: int
) -> tuple[list[Floats], Floats]:
    """Both ECE: (queries, bins) sums of P(relevant) - label, and (2, bins) standard errors."""
    sides = [
        ece.bin_sums(relevant, relevance, groups, queries, binning) for binning in ECES.values()
    ]
    pairs = np.bincount(groups, minlength=queries).astype(np.float64)
    errors = [ece.standard_errors(gaps, pairs, chance) for gaps, chance in sides]
    return [gaps for gaps, _ in sides], np.stack(errors)


def _sum(values: NDArray[Any], index: Ints, queries: int) -> Floats:
    return np.asarray(np.bincount(index, values, minlength=queries), dtype=np.float64)
