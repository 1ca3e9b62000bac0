"""TextPoints: the distinct queries and ads of some pairs, as points of one space of two towers."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable
from kdcore.predictions import model_hash
from kdcore.projection.maps import VERSION

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TextPoints:
    """Point 0 is the first query, and the first ad comes after the last query.

    ads: title and description of each. query_of, ad_of: (pairs,) the points of each pair.
    """

    queries: tuple[str, ...]
    ads: tuple[tuple[str, str], ...]
    query_of: Ints
    ad_of: Ints

    @classmethod
    def of(cls, pairs: PairTable) -> "TextPoints":
        """The distinct texts of the pairs, in the order of the pairs."""
        frame = pairs.frame
        queries = {text: place for place, text in enumerate(dict.fromkeys(frame["query"]))}
        both = list(zip(frame["title"], frame["description"], strict=True))
        ads = {ad: len(queries) + place for place, ad in enumerate(dict.fromkeys(both))}
        query_of = np.fromiter((queries[text] for text in frame["query"]), np.int64, len(frame))
        ad_of = np.fromiter((ads[ad] for ad in both), np.int64, len(frame))
        return cls(tuple(queries), tuple(ads), query_of, ad_of)

    def __len__(self) -> int:
        return len(self.queries) + len(self.ads)

    @cached_property
    def content_hash(self) -> str:
        """16 hex digits that change when a text or the order does."""
        texts = "\x1e".join([*self.queries, "", *("\x1d".join(ad) for ad in self.ads)])
        return hashlib.sha256(texts.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def saved(self) -> dict[str, Any]:
        """The texts as JSON takes them."""
        return {"queries": self.queries, "ads": self.ads}


def texts_key(first: Path, second: Path, texts: TextPoints, seed: int = 0) -> str:
    """The name under which maps of these texts are stored; first, second: folders of two models."""
    models = f"{model_hash(first)}-{model_hash(second)}"
    text = f"{VERSION}-texts-{models}-{texts.content_hash}-{seed}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]
