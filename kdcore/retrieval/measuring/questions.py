"""Questions: the ads and the queries of a study, and what each ad is worth to each query."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kdcore.data.names import named_pairs
from kdcore.retrieval.ads import Ads, ads_named, example_queries, places_of
from kdcore.retrieval.recall import Floats
from kdcore.retrieval.truth import JudgedQueries
from kdcore.workspace import Workspace


@dataclass(frozen=True)
class Questions:
    """texts: the queries. gains: of one query's place, (ads,) what each ad is worth to it.

    truth: where the worth comes from, in words.
    """

    ads: Ads
    texts: Sequence[str]
    gains: Callable[[int], Floats]
    truth: str

    @classmethod
    def of(cls, data: str, most: int, workspace: Workspace) -> "Questions":
        """At most so many queries, those of the test split first.

        The world judges every ad. Of another data set only its labels are known: an ad without
        one counts as worth nothing.
        """
        ads = ads_named(data, workspace)
        if ads.world is not None:
            queries = JudgedQueries.of(ads, most)
            return cls(ads, queries.queries, queries.gains, "the world's exact grades of every ad")
        texts = example_queries(data, most, workspace)
        pairs = named_pairs(data, workspace)
        frame = pairs.frame[(pairs.frame["grade"] >= 0) & pairs.frame["query"].isin(texts)]
        places, worth = places_of(ads, frame), np.asarray(pairs.scheme.gains("exp2"), dtype=float)
        labels = frame["grade"].to_numpy()

        def gains(query: int) -> Floats:
            values = np.zeros(len(ads))
            rows = np.flatnonzero((frame["query"] == texts[query]).to_numpy() & (places >= 0))
            np.maximum.at(values, places[rows], worth[labels[rows]])
            return values

        words = "the labels that there are; an ad without a label counts as worth nothing"
        return cls(ads, texts, gains, words)
