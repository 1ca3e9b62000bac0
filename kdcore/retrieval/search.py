"""Searcher: a run's towers over the ads of a data set, from a typed query to the ads found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kdcore.models.base import PairModel
from kdcore.retrieval.ads import Ads, Mask, ads_named
from kdcore.retrieval.embed import (
    Watch,
    embed_ads,
    embed_queries,
    metric_note,
    rescored,
    two_towers,
)
from kdcore.retrieval.exact import best_first, exact_top
from kdcore.retrieval.index import AnnIndex, Hits, stored_index
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

CANDIDATES = 100  # ads that a model without a metric space orders itself


@dataclass(frozen=True)
class Found:
    """An ad that a search found. score: the cosine, or the model's own ranking score."""

    ad: int
    title: str
    description: str
    score: float


@dataclass(frozen=True)
class Searcher:
    """Search the ads of a data set with the towers of a run.

    note: "" for models whose cosine is their order; else how their candidates are found.
    """

    run: Run
    ads: Ads
    index: AnnIndex
    model: PairModel
    note: str = ""

    @classmethod
    def open(
        cls,
        run: Run,
        data: str,
        workspace: Workspace,
        *,
        recipe: str = "",
        device: str = "auto",
        watch: Watch = lambda done, total: None,
    ) -> "Searcher":
        """Embed the ads and build the index, or take both from the workspace's cache.

        data: the name of a data set, "world" for its corpus of 20,000 ads, `world:ads=1000000`
        for a larger one. ConfigError where the run has no vectors of ads.
        """
        model = two_towers(run)
        ads = ads_named(data, workspace)
        vectors = embed_ads(run, ads, workspace, device=device, watch=watch)
        index = stored_index(workspace.cache_folder("indexes"), vectors, recipe)
        return cls(run, ads, index, model, metric_note(model))

    def hits(
        self,
        queries: Sequence[str],
        k: int = 10,
        *,
        effort: int = 0,
        passing: Mask | None = None,
        exact: bool = False,
    ) -> Hits:
        """Ids and cosines of the k nearest ads of each query; see AnnIndex.search.

        passing: which ads may be found, of `Ads.passing`.
        """
        vectors = embed_queries(self.model, queries)
        if exact:
            return Hits(*exact_top(self.index.vectors.vectors, vectors, k, passing))
        return self.index.search(vectors, k, effort, passing)

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        effort: int = 0,
        passing: Mask | None = None,
        exact: bool = False,
    ) -> tuple[list[Found], str]:
        """The k best ads for a query, and a note where the search was done in another way, else "".

        A model without a metric space orders the 100 nearest ads by its own score.
        """
        depth = max(k, CANDIDATES) if self.note else k
        hits = self.hits([query], depth, effort=effort, passing=passing, exact=exact)
        ids = hits.ids[0][hits.ids[0] >= 0]
        scores = hits.scores[0][: len(ids)].astype(np.float64)
        if self.note:
            (scores,) = rescored(self.run, [query], [ids], self.ads)
            ids, scores = best_first(ids, scores)
        rows = zip(ids[:k].tolist(), scores[:k].tolist(), strict=True)
        results = [
            Found(ad, self.ads.titles[ad], self.ads.descriptions[ad], score) for ad, score in rows
        ]
        return results, " ".join(filter(None, (self.note, hits.note)))
