"""Ads: what is searched, from the world's corpus or from the distinct ads of a data set."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.data.library import WORLD
from kdcore.data.names import named_pairs
from kdcore.data.pairs import PairTable
from kdcore.data.world.catalogue import catalogue
from kdcore.data.world.corpus import Corpus, corpus
from kdcore.data.world.traffic import first_searches
from kdcore.errors import ConfigError, DataError
from kdcore.workspace import Workspace

CORPUS = 20_000  # ads of the bundled world's corpus
MOST = 10_000_000  # ads that one index holds
_UNSPACED = re.compile("[\u0e00-\u0eff\u2e80-\uffff]")  # Thai, Chinese, Japanese, Korean
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Ads:
    """Ads in a fixed order: an ad's id is its place.

    titles, descriptions: one text per ad. columns: (ads,) texts by which a search can be filtered,
    such as the vertical. world: the offers behind the ads, where their truth is known.
    """

    name: str
    titles: tuple[str, ...]
    descriptions: tuple[str, ...]
    columns: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    world: Corpus | None = None

    def __len__(self) -> int:
        return len(self.titles)

    @cached_property
    def content_hash(self) -> str:
        """16 hex digits that change when the text of an ad, or the order of the ads, does."""
        digest = hashlib.sha256()
        for texts in (self.titles, self.descriptions):
            digest.update("\x1e".join(texts).encode("utf-8", "surrogatepass"))
            digest.update(b"\x1d")
        return digest.hexdigest()[:16]

    def passing(self, filters: Mapping[str, str], blocked: str = "") -> Mask | None:
        """(ads,) whether an ad has all of these values and no blocked word; None: all ads pass.

        blocked: words or phrases with commas between; an ad whose title or description has one
        as whole words (in scripts without spaces: anywhere), in either case of letters, does not
        pass. ConfigError names the columns or values.
        """
        words = [word.strip().casefold() for word in blocked.split(",") if word.strip()]
        if not filters and not words:
            return None
        mask = np.ones(len(self), dtype=bool)
        problems = []
        for name, value in filters.items():
            if name not in self.columns:
                names = ", ".join(self.columns) or "none"
                problems.append(f"{name}: the columns of the ads of {self.name} are: {names}")
                continue
            matches = self.columns[name] == value
            if not matches.any():
                values = ", ".join(sorted(set(self.columns[name]))[:20])
                problems.append(f"{name}: no ad has {value!r}; it is one of {values}")
            mask &= matches
        if problems:
            raise ConfigError("The ads cannot be filtered like this:", problems)
        pattern = re.compile("|".join(map(_whole, words)))
        for row in np.flatnonzero(mask) if words else ():
            text = f"{self.titles[row]}\n{self.descriptions[row]}".casefold()
            mask[row] = not pattern.search(text)
        return mask


def _whole(word: str) -> str:
    """A pattern of a word or phrase that stands between spaces or marks."""
    text = re.escape(word)
    return text if _UNSPACED.search(word) else rf"(?<!\w){text}(?!\w)"


def ads_named(name: str, workspace: Workspace | None = None) -> Ads:
    """The ads of a data set by its name; "world" has 20,000, `world:ads=1000000` as many as named.

    ConfigError for a wrong size; DataError or UnknownNameError when there is no such data set.
    """
    world, _, tail = name.partition(":")
    if world == WORLD and (not tail or tail.startswith("ads=")):
        return world_ads(_size(name, tail.removeprefix("ads=")) if tail else CORPUS)
    return ads_of(named_pairs(name, workspace))


def world_ads(size: int = CORPUS, seed: int = 0) -> Ads:
    """The corpus of the bundled world, whose truth is known for every query."""
    drawn, cat = corpus(seed, size), catalogue()
    verticals = np.array(cat.verticals, dtype=object)[cat.type_vertical[drawn.offers.type]]
    name = WORLD if size == CORPUS else f"{WORLD}:ads={size}"
    return Ads(name, drawn.titles, drawn.descriptions, {"vertical": verticals}, drawn)


def ads_of(pairs: PairTable) -> Ads:
    """The distinct ads of all pairs, in an order that does not depend on that of the rows."""
    frame = pairs.frame[["title", "description", "language"]]
    distinct = frame.drop_duplicates().sort_values(list(frame.columns), kind="stable")
    if distinct.empty:
        raise DataError(f"{pairs.name} has no ads; import pairs first")
    columns = {}
    if distinct["language"].nunique() > 1:
        columns["language"] = distinct["language"].to_numpy(dtype=object)
    return Ads(pairs.name, tuple(distinct["title"]), tuple(distinct["description"]), columns)


def example_queries(name: str, most: int, workspace: Workspace | None = None) -> list[str]:
    """Queries on which a search of these ads is measured: those of the test split first.

    At most `most` distinct ones, in an order that does not depend on that of the rows.
    """
    if name.partition(":")[0] == WORLD:
        return first_searches("test", most, seed=0).queries
    pairs = named_pairs(name, workspace)
    split = pairs.split("test") if "test" in pairs.splits else pairs
    queries = np.array(sorted(set(split.frame["query"])), dtype=object)
    drawn = np.random.default_rng(0).permutation(len(queries))[:most]
    return list(queries[drawn])


def places_of(ads: Ads, frame: pd.DataFrame) -> NDArray[np.int64]:
    """(rows,) the id of each row's ad, -1 where it is not among the ads."""
    place = {pair: at for at, pair in enumerate(zip(ads.titles, ads.descriptions, strict=True))}
    rows = zip(frame["title"], frame["description"], strict=True)
    return np.array([place.get(row, -1) for row in rows], dtype=np.int64)


def _size(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST):
        raise ConfigError(f"{name}: write ads=NUMBER with a number from 1 to {MOST:,}")
    return int(text)
