"""Answer any query now: exact search, an index, a teacher's re-rank, and the time of each."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kdcore.models.base import PairModel
from kdcore.models.build import load_model
from kdcore.retrieval.ads import Mask
from kdcore.retrieval.embed import embed_queries, scores_by
from kdcore.retrieval.exact import exact_top
from kdcore.retrieval.funnel import Candidates, Cuts
from kdcore.retrieval.search import Searcher


@dataclass(frozen=True)
class Answer:
    """Ids of the ads that each way puts first, best first.

    exact, index: by the largest cosines. reranked: the index's candidates, the first of them in
    the teacher's order. note: a sentence where the index was searched in another way, else "".
    milliseconds: of each step.
    """

    exact: list[int]
    index: list[int]
    reranked: list[int]
    note: str
    milliseconds: dict[str, float]


def reader(folder: Path) -> PairModel:
    """The model of a teacher, from the folder of its weights."""
    return load_model(folder)


def answer(
    searcher: Searcher,
    teacher: PairModel,
    query: str,
    k: int,
    cuts: Cuts,
    *,
    effort: int = 0,
    passing: Mask | None = None,
) -> Answer:
    """Search for a query's first k ads, and let the teacher order those that the cuts hand on."""
    spent: dict[str, float] = {}
    vectors, ads = searcher.index.vectors.vectors, searcher.ads
    began = time.perf_counter()

    def clock(step: str) -> None:
        nonlocal began
        spent[step] = 1000 * (time.perf_counter() - began)
        began = time.perf_counter()

    typed = embed_queries(searcher.model, [query])
    clock("query")
    exact = exact_top(vectors, typed, k, passing)[0][0]
    clock("exact search")
    hits = searcher.index.search(typed, max(k, cuts.candidates), effort, passing)
    clock("index")
    ids = hits.ids[0][hits.ids[0] >= 0]
    student = hits.scores[0][: len(ids)].astype(np.float64)
    if searcher.note:  # a model whose cosine is not its order
        (student,) = scores_by(searcher.model, [query], [ids], ads)
        clock("student")
    none = np.zeros(len(ids))
    places = Cuts(cuts.candidates, 0).shown(Candidates(ids, student, none, none, none))
    read = places[: cuts.reordered]
    scores = none.copy()
    (scores[read],) = scores_by(teacher, [query], [ids[read]], ads) if len(read) else (none[:0],)
    clock("teacher")
    shown = cuts.shown(Candidates(ids, student, scores, none, none))
    lists = (exact[exact >= 0], ids[:k], ids[shown][:k])
    first, second, third = (each.tolist() for each in lists)
    return Answer(first, second, third, hits.note, spent)
