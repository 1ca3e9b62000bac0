"""Study: what searches with a student find, query by query, and what a teacher and the truth say.

Plain arrays that a page reads without torch; `measure.py` makes them. Ads that no search found
first are not in the study: they are counted by its curves alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kdcore.errors import DataError
from kdcore.retrieval.exact import order_by
from kdcore.retrieval.funnel import Candidates, Cuts, ndcg_of
from kdcore.retrieval.measuring.change import Change, change_of
from kdcore.retrieval.recall import Floats, recall
from kdcore.workspace import replacing

VERSION = 2  # of what is measured; a study of another is measured again
DEEPEST = 200  # ads per query that exact search and each index hand on
TWIN_DEEPEST = 100  # ads per query that exact search with the twin adds to the pool
ALONE = 20  # queries for which the teacher reads every ad
ALONE_PAIRS = 400_000  # pairs that it reads for them at most
ALONE_DEEPEST = 20  # ads that the teacher puts first when it reads every ad
BEST = 50  # of the ads that the truth puts first, those that are named
EXACT, TWIN, FIRST_SEARCH = 0, 1, 2  # bits of `hits`
_CARD = "card"
_ARRAYS = ("query", "ad", "cosine", "score", "twin", "teacher", "gain", "hits")
_CURVES = ("best", "best_ads", "at", "ceilings", "truths", "full_queries", "full_gains")


class Search(NamedTuple):
    """An index at one effort and its measured time; recipe "Flat" is exact search."""

    recipe: str
    effort: int
    p50_ms: float
    p95_ms: float
    per_second: float
    n: int
    build_seconds: float
    megabytes: float


@dataclass(frozen=True)
class Study:
    """Candidates of every query in one pool of rows, a row per query and ad.

    query, ad: (rows,) whose row it is. cosine, score, twin, teacher: (rows,) the student's cosine
    and ranking score, the twin's cosine (nan without a twin) and the teacher's ranking score.
    gain: (rows,) what the ad is worth by the truth. hits: (rows,) bits: exact search, exact
    search with the twin, then each of `searches`. best, best_ads: (queries, BEST) the largest gains
    of all ads and whose they are, -1 where there are fewer. at: (points,) numbers of ads; ceilings,
    truths: (2, queries, points) for student and twin what a perfect later step reaches in nDCG@10,
    and the share of the true best ten, among their first ads. full_queries, full_gains: (sample,)
    the queries for which the teacher read every ad, (sample, ALONE_DEEPEST) gains in its order.
    card: names, times and machine.
    """

    card: Mapping[str, Any]
    query: NDArray[np.int32]
    ad: NDArray[np.int32]
    cosine: NDArray[np.float32]
    score: NDArray[np.float32]
    twin: NDArray[np.float32]
    teacher: NDArray[np.float32]
    gain: NDArray[np.float32]
    hits: NDArray[np.uint32]
    best: NDArray[np.float32]
    best_ads: NDArray[np.int32]
    at: NDArray[np.int32]
    ceilings: NDArray[np.float32]
    truths: NDArray[np.float32]
    full_queries: NDArray[np.int32]
    full_gains: NDArray[np.float32]

    @property
    def queries(self) -> tuple[str, ...]:
        """The texts of the queries."""
        return tuple(self.card["queries"])

    @cached_property
    def judged_queries(self) -> int:
        """How many of the queries have an ad that is worth something by the truth."""
        return int((self.best[:, :1] > 0).sum())

    @property
    def ads(self) -> int:
        """How many ads were searched."""
        return int(self.card["ads"])

    @property
    def width(self) -> int:
        """Dimensions of a vector."""
        return int(self.card["width"])

    @cached_property
    def searches(self) -> tuple[Search, ...]:
        """The approximate searches, in the order of their bits."""
        return tuple(Search(*row) for row in self.card["searches"])

    @property
    def exact_time(self) -> Search:
        """The time of exact search."""
        return Search(*self.card["exact"])

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        starts: NDArray[np.int64] = np.searchsorted(self.query, np.arange(len(self.queries) + 1))
        return starts

    def rows(self, query: int, bit: int = EXACT, by: str = "cosine") -> NDArray[np.int64]:
        """Rows of a query's ads that a search found, best first; of equal scores the lower ad."""
        start, end = self._starts[query : query + 2]
        rows: NDArray[np.int64] = start + np.flatnonzero((self.hits[start:end] >> bit) & 1)
        return np.asarray(rows[order_by(getattr(self, by)[rows], self.ad[rows])])

    def recall_of(self, search: int, k: int) -> Floats:
        """(queries,) share of the k ads of largest cosine that a search found among its first k."""
        scores = np.full((len(self.queries), k), -np.inf)
        best = np.full((len(self.queries), k), -np.inf)
        for query in range(len(self.queries)):
            near = self.cosine[self.rows(query, FIRST_SEARCH + search)][:k]
            exact = self.cosine[self.rows(query)][:k]
            scores[query, : len(near)], best[query, : len(exact)] = near, exact
        return recall(np.where(np.isfinite(scores), 0, -1), scores, best)

    def truth_recall_of(self, bit: int, k: int) -> Floats:
        """(queries,) share of the k ads of largest worth that a search found among its first k.

        bit: EXACT, or FIRST_SEARCH + the place of a search. nan where no ad is worth anything.
        """
        gains = np.full((len(self.queries), k), -np.inf)
        for query in range(len(self.queries)):
            first = self.gain[self.rows(query, bit)][:k]
            gains[query, : len(first)] = first
        best = np.where(self.best[:, :k] > 0, self.best[:, :k], -np.inf)
        return recall(np.where(np.isfinite(gains), 0, -1), gains, best)

    def candidates(self, query: int, bit: int = EXACT) -> Candidates:
        """What one query's funnel works on, in the order in which a search gives it."""
        rows = self.rows(query, bit)
        return Candidates(
            self.ad[rows].astype(np.int64),
            self.score[rows].astype(np.float64),
            self.teacher[rows].astype(np.float64),
            self.gain[rows].astype(np.float64),
            self.best[query].astype(np.float64),
        )

    def funnel_against_alone(self, search: int, cuts: Cuts, depth: int) -> Change | None:
        """nDCG@depth of the funnel against the teacher over all ads, on the queries of the sample.

        The first of the pair is the funnel; None where the teacher read every ad of no query.
        """
        funnel = []
        for query in self.full_queries.tolist():
            each = self.candidates(query, FIRST_SEARCH + search)
            funnel.append(ndcg_of(each.gains[cuts.shown(each)], each.best, depth))
        return change_of(np.stack([funnel, self.full_ndcg(depth)], axis=1)) if funnel else None

    def full_ndcg(self, depth: int) -> Floats:
        """(sample,) nDCG@depth of the teacher over all ads, for each of full_queries."""
        best = self.best[self.full_queries].astype(np.float64)
        rows = zip(self.full_gains, best, strict=True)
        return np.array([ndcg_of(gains, ideal, depth) for gains, ideal in rows], dtype=float)

    @property
    def has_twin(self) -> bool:
        """Whether a twin was measured beside the student."""
        return bool(self.card.get("twin"))

    def teacher_change(self, k: int) -> Change | None:
        """Recall@k of the teacher's first k: student against its twin, None without one.

        Relevant are the k ads that the teacher puts first among those that either of both has in
        its first TWIN_DEEPEST (a pool, as at TREC); found are those in a model's own first k.
        """
        return change_of(self.teacher_recalls(k)) if self.has_twin else None

    def teacher_recalls(self, k: int) -> Floats:
        """(queries, 2) the shares that teacher_change compares, of the student and of its twin."""
        return np.array([self._liked(query, k) for query in range(len(self.queries))])

    def truth_change(self, depth: int) -> Change | None:
        """nDCG@depth by the truth of the first ads of student and twin, None without one."""
        if not self.has_twin:
            return None
        values = []
        for query in range(len(self.queries)):
            orders = self.rows(query, EXACT, "score"), self.rows(query, TWIN, "twin")
            best = self.best[query].astype(np.float64)
            values.append([ndcg_of(self.gain[rows], best, depth) for rows in orders])
        return change_of(np.array(values))

    def _liked(self, query: int, k: int) -> tuple[float, float]:
        own = self.rows(query, EXACT, "score")[:TWIN_DEEPEST]
        other = self.rows(query, TWIN, "twin")
        pool = np.union1d(own, other)
        liked = pool[order_by(self.teacher[pool], self.ad[pool])][:k]
        if not len(liked):
            return np.nan, np.nan
        mine, theirs = (float(np.isin(liked, rows[:k]).mean()) for rows in (own, other))
        return mine, theirs

    def save(self, path: Path) -> None:
        """Write it completely or not at all."""
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS + _CURVES}
        with replacing(path) as temporary:
            save_file(arrays, temporary, {_CARD: json.dumps(dict(self.card))})

    @classmethod
    def load(cls, path: Path) -> "Study":
        """Read what save wrote; DataError for anything else."""
        try:
            with safe_open(path, framework="numpy") as file:
                card = json.loads((file.metadata() or {})[_CARD])
                if card.get("version") != VERSION:
                    raise ValueError("it is of another version of the lab")
                arrays = {name: file.get_tensor(name) for name in _ARRAYS + _CURVES}
        except (OSError, SafetensorError, ValueError, KeyError) as cause:
            raise DataError(
                f"{path.name} holds no measured retrieval ({cause}); remove it and measure again"
            ) from None
        return cls(card, **arrays)


def points_up_to(ads: int) -> NDArray[np.int32]:
    """Numbers of ads at which curves are measured: 10, 20, 50, 100, ... and all of them."""
    points = [base * 10**power for power in range(1, 8) for base in (1, 2, 5)]
    return np.array([p for p in points if p < ads] + [ads], dtype=np.int32)


def milliseconds(
    times: Mapping[str, float], search: Search, candidates: int, reordered: int
) -> Sequence[float]:
    """Time per query of each step: the query's vector, the search, the student, the teacher."""
    return (
        float(times["query_ms"]),
        search.p50_ms,
        float(times["student_pair_ms"]) * candidates,
        float(times["teacher_pair_ms"]) * reordered,
    )
