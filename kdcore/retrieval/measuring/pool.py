"""The rows of a study: what each search found for each query, and what the truth says of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.retrieval.embed import rescored
from kdcore.retrieval.exact import exact_top, order_by
from kdcore.retrieval.funnel import ceiling
from kdcore.retrieval.index import AnnIndex, efforts
from kdcore.retrieval.measuring.questions import Questions
from kdcore.retrieval.measuring.study import (
    ALONE,
    ALONE_DEEPEST,
    ALONE_PAIRS,
    BEST,
    DEEPEST,
    EXACT,
    TWIN,
    TWIN_DEEPEST,
    points_up_to,
)
from kdcore.retrieval.vectors import AdVectors, Vectors
from kdcore.runs.store import Run

CURVE_DEPTH = 20_000  # ads of each query whose gains the curves follow
K = 10
Tell = Callable[[str, float], None]  # called with the step and the share of it that is done
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Side:
    """One model's vectors of all ads, and its vectors of the queries (queries, width)."""

    ads: AdVectors
    queries: Vectors

    def cosines(self, columns: Columns) -> Vectors:
        """(rows,) cosines of the rows' queries and ads."""
        vectors, queries = self.ads.vectors[columns["ad"]], self.queries[columns["query"]]
        return np.asarray(np.einsum("rd,rd->r", vectors, queries), dtype=np.float32)


def pool(sides: Sequence[Side], indexes: Sequence[AnnIndex]) -> Columns:
    """The rows of a study without what a teacher and the truth say of them.

    sides: the student's, and the twin's where there is one.
    """
    queries = sides[0].queries
    lists = [exact_top(sides[0].ads.vectors, queries, DEEPEST)[0]]
    twin = exact_top(sides[-1].ads.vectors, sides[-1].queries, TWIN_DEEPEST)[0]
    lists.append(twin if len(sides) > 1 else twin[:, :0])
    for index in indexes:
        for effort in efforts(index.recipe) or (0,):
            # these have no more ads in view than their effort; more would raise the effort itself
            depth = min(DEEPEST, effort) if index.kind in ("HNSW", "Bits") else DEEPEST
            lists.append(index.search(queries, depth, effort).ids)
    parts: dict[str, list[NDArray[Any]]] = {"query": [], "ad": [], "hits": []}
    for query in range(len(queries)):
        ids = np.unique(np.concatenate([each[query] for each in lists]))
        ids = ids[ids >= 0]
        bits = np.zeros(len(ids), dtype=np.uint32)
        for bit, each in enumerate(lists):
            bits |= np.isin(ids, each[query]).astype(np.uint32) << bit
        parts["query"].append(np.full(len(ids), query, dtype=np.int32))
        parts["ad"].append(ids.astype(np.int32))
        parts["hits"].append(bits)
    columns = {name: np.concatenate(each) for name, each in parts.items()}
    none = np.full(len(columns["ad"]), np.nan, dtype=np.float32)
    columns["cosine"] = sides[EXACT].cosines(columns)
    columns["twin"] = sides[TWIN].cosines(columns) if len(sides) > 1 else none
    return columns


def judge(columns: Columns, sides: Sequence[Side], questions: Questions) -> Columns:
    """Fill in the gains of the rows; return the best ads, and the curves."""
    ads, queries = len(questions.ads), len(questions.texts)
    at = points_up_to(ads)
    columns["gain"] = np.zeros(len(columns["ad"]), dtype=np.float32)
    best = np.full((queries, BEST), 0, dtype=np.float32)
    best_ads = np.full((queries, BEST), -1, dtype=np.int32)
    ceilings = np.full((2, queries, len(at)), np.nan, dtype=np.float32)
    truths = ceilings.copy()
    starts = np.searchsorted(columns["query"], np.arange(queries + 1))
    for query in range(queries):
        gains = questions.gains(query)
        rows = slice(*starts[query : query + 2])
        columns["gain"][rows] = gains[columns["ad"][rows]]
        top = np.lexsort((np.arange(ads), -gains))[:BEST]
        top = top[gains[top] > 0]
        best[query, : len(top)], best_ads[query, : len(top)] = gains[top], top
        for place, side in enumerate(sides):
            cosines = side.ads.vectors @ side.queries[query]
            order = np.argsort(-cosines, kind="stable")[:CURVE_DEPTH]
            ceilings[place, query], truths[place, query] = _curves(gains, order, best[query], at)
    return {
        "best": best,
        "best_ads": best_ads,
        "at": at,
        "ceilings": ceilings,
        "truths": truths,
    }


def teacher_alone(teacher: Run, questions: Questions, tell: Tell) -> Columns:
    """Let the teacher read every ad for a seeded sample of the queries; see Study."""
    ads = len(questions.ads)
    count = min(ALONE, len(questions.texts), ALONE_PAIRS // ads)
    drawn = np.random.default_rng(0).permutation(len(questions.texts))[:count]
    sample = np.sort(drawn).astype(np.int32)
    everything, rows = np.arange(ads), np.zeros((count, ALONE_DEEPEST), dtype=np.float32)
    for place, query in enumerate(sample.tolist()):
        tell(f"the teacher reads all {ads:,} ads of query {place + 1} of {count}", place / count)
        (scores,) = rescored(teacher, [questions.texts[query]], [everything], questions.ads)
        top = order_by(scores, everything)[:ALONE_DEEPEST]
        rows[place, : len(top)] = questions.gains(query)[top]
    return {"full_queries": sample, "full_gains": rows}


def _curves(
    gains: NDArray[np.float64],
    order: NDArray[np.int64],
    best: NDArray[np.float32],
    at: NDArray[np.int32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ceiling in nDCG@10 and the share of the true best ten among the first ads, at points."""
    ten = best[:K][best[:K] > 0].astype(np.float64)
    if not len(ten):
        nothing = np.full(len(at), np.nan)
        return nothing, nothing
    reached = ceiling(gains[order], best[:K].astype(np.float64), K)
    hits = np.minimum(np.cumsum(gains[order] >= ten.min() - 1e-6), len(ten)) / len(ten)
    last = np.minimum(at, len(order)) - 1
    whole = at == at[-1]  # among all ads everything is found
    beyond = (at > len(order)) & ~whole
    curves = [np.where(whole, 1.0, values[last]) for values in (reached, hits)]
    ceilings, shares = (np.where(beyond, np.nan, values) for values in curves)
    return ceilings, shares
