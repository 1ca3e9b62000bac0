"""Columns: what each way puts first for one query, and what the truth says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kdcore.retrieval.funnel import Cuts, ndcg_of
from kdcore.retrieval.measuring.study import FIRST_SEARCH, Study

NAMES = ("Exact", "Index", "Teacher's re-rank", "Truth")


@dataclass(frozen=True)
class Columns:
    """lists: ids of the first k ads of each column of NAMES, best first.

    worth: what an ad is worth by the truth, by its id; an ad that is not in it is worth nothing.
    ideal: the largest worths among all ads, largest first; empty where the truth is not known.
    """

    lists: tuple[Sequence[int], ...]
    worth: Mapping[int, float]
    ideal: Sequence[float]

    def ndcg(self, column: int, k: int) -> float:
        """nDCG@k of a column by the truth; nan where it is not known."""
        gains = np.array([self.worth.get(ad, 0.0) for ad in self.lists[column]], dtype=float)
        return ndcg_of(gains, np.array(self.ideal), k)


def measured(study: Study, query: int, search: int, k: int, cuts: Cuts) -> Columns:
    """The columns of a query of the study."""
    exact = study.ad[study.rows(query)][:k].tolist()
    each = study.candidates(query, FIRST_SEARCH + search)
    reranked = each.ids[cuts.shown(each)][:k].tolist()
    start, end = (int((study.query < q).sum()) for q in (query, query + 1))
    pooled = zip(study.ad[start:end].tolist(), study.gain[start:end].tolist(), strict=True)
    named = zip(study.best_ads[query].tolist(), study.best[query].tolist(), strict=True)
    worth = dict(pooled) | {ad: value for ad, value in named if ad >= 0}
    return judged_by(worth, (exact, each.ids[:k].tolist(), reranked), k)


def judged_by(worth: Mapping[int, float], lists: tuple[Sequence[int], ...], k: int) -> Columns:
    """Add the truth's column: the k ads of largest worth, of equal ones those that are shown."""
    shown = set(lists[-1])
    order = sorted(worth, key=lambda ad: (-worth[ad], ad not in shown, ad))
    best = [ad for ad in order[:k] if worth[ad] > 0]
    return Columns((*lists, best), worth, sorted(worth.values(), reverse=True)[:k])


def no_truth(study: Study) -> str:
    """Begin a sentence on what cannot be judged."""
    none = "no ad is worth anything to any"
    few = "ads are worth something to one" if study.judged_queries else none
    return f"By the truth ({study.card['truth']}) {few} of these {len(study.queries)} queries"
