"""TableFacts: what a table of pairs says by itself, computed once for all models measured on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.metrics import agreement, ranking
from kdcore.metrics.classification import ScoreOrder
from kdcore.metrics.significance import resampled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TableFacts:
    """The labels of a table in canonical order, and the truth where the data set knows it.

    queries: how many. index: (pairs,) query of each pair. rows: the labelled pairs, as an index
    into arrays of all pairs. groups, grades, relevant: (labelled,) query and label of each.
    ideal: (queries, depth) best DCG by gain. references: by gain the (depth,) mean nDCG of a random
    order and of the worst. truth: (pairs, classes). cut: the lowest relevant grade. drawn: what
    `drawn_ceiling` computed last.
    """

    queries: int
    index: Ints
    rows: Ints | slice
    groups: Ints
    grades: Ints
    relevant: NDArray[np.bool_]
    ideal: Mapping[str, Floats]
    references: Mapping[str, tuple[Floats, Floats]]
    truth: Floats | None
    cut: int
    drawn: dict[tuple[int, int], Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: PairTable) -> "TableFacts":
        """Return the facts of a table in canonical order, which stores them."""
        if "facts" not in pairs.memo:
            pairs.memo["facts"] = cls._of(pairs)
        facts: TableFacts = pairs.memo["facts"]
        return facts

    @classmethod
    def _of(cls, pairs: PairTable) -> "TableFacts":
        labelled, index = pairs.grades != UNLABELLED, pairs.query_ids
        rows = slice(None) if labelled.all() else np.flatnonzero(labelled)
        groups, grades = index[rows], pairs.grades[rows]
        queries = int(index.max(initial=-1)) + 1
        best = ranking.RankedLists.of(grades, groups, queries)
        best = replace(best, tie=np.arange(len(grades)))  # equal grades are worth the same
        ideal, means = {}, {}
        for gain in pairs.scheme.gain_kinds:
            worth = pairs.scheme.gains(gain)[grades]
            ideal[str(gain)], *others = ranking.references(worth, best, ranking.DEPTH)
            random, worst = (ranking.normalize(each, ideal[str(gain)]) for each in others)
            means[str(gain)] = ranking.ranked_mean(random), ranking.ranked_mean(worst)
        truth = None if pairs.truth is None else np.asfortranarray(pairs.truth)
        return cls(
            queries=queries,
            index=index,
            rows=rows,
            groups=groups,
            grades=grades,
            relevant=pairs.relevant[rows],
            ideal=ideal,
            references=means,
            truth=truth,
            cut=pairs.scheme.relevant_from,
        )

    @property
    def is_whole(self) -> bool:
        """Whether every pair is labelled."""
        return isinstance(self.rows, slice)

    @cached_property
    def entropy(self) -> Floats:
        """(pairs,) sums of p log p of the truth, the part of truth_kl that no model changes."""
        return np.zeros(0) if self.truth is None else agreement.negative_entropy(self.truth)

    @cached_property
    def likely(self) -> Floats:
        """(pairs,) the true P(relevant)."""
        return np.zeros(0) if self.truth is None else self._sum_of(slice(self.cut, None))

    def _sum_of(self, grades: slice) -> Floats:
        assert self.truth is not None
        return np.asarray(sum(self.truth.T[grades]))

    @cached_property
    def ceiling(self) -> ScoreOrder | None:
        """The labelled pairs in the order of their true log-odds; None without truth."""
        if self.truth is None:
            return None
        with np.errstate(divide="ignore"):
            odds = np.log(self.likely) - np.log(self._sum_of(slice(self.cut)))
        return ScoreOrder.of(self.relevant, odds[self.rows])

    def drawn_ceiling(self, resamples: int, seed: int) -> Floats:
        """Compute (resamples,) ROC-AUC of the ceiling on drawn queries, once for all models."""
        assert self.ceiling is not None
        if (resamples, seed) not in self.drawn:
            areas = self.ceiling.weighted(self.groups, self.queries)
            draws = resampled(
                lambda weights: areas.under(weights)[0][:, None], self.queries, resamples, 1, seed
            )
            self.drawn.clear()
            self.drawn[resamples, seed] = draws[:, 0]
        return self.drawn[resamples, seed]

    def summed(self, values: NDArray[Any], index: Ints) -> Floats:
        """Return (queries,) sums of (pairs,) values; index: the query of each."""
        return np.asarray(np.bincount(index, values, minlength=self.queries), dtype=np.float64)
