"""Token ids of a PairTable, each distinct text once, and batches of them without padding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdcore.data.pairs import PairTable
from kdcore.models.packed import Packed, pack
from kdcore.models.tokens.wordpiece import Ragged

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Texts:
    """The distinct queries and ads of a PairTable, and which pair reads which."""

    queries: list[str]
    ads: list[str]
    query_of: Rows  # (pairs,)
    ad_of: Rows  # (pairs,)

    @classmethod
    def of(cls, pairs: PairTable) -> "Texts":
        """Title and description are one text: the ad."""
        query_of, queries = pd.factorize(pairs.frame["query"])
        ad = pairs.frame["title"].str.cat(pairs.frame["description"], sep=" ").str.strip()
        ad_of, ads = pd.factorize(ad)
        return cls(list(queries), list(ads), query_of.astype(np.int64), ad_of.astype(np.int64))


@dataclass(frozen=True)
class Encoded:
    """Token ids of a PairTable: rows of `tokens` are the distinct queries, then the ads.

    query_of, ad_of: (pairs,) row of each pair's query and ad. ad_segment: the token type of ads.
    bags: for trigram models, row w holds the trigrams of word w, and tokens are words.
    together: a cross-encoder reads query and ad as one sequence. overlap: its token types also
    tell whether the other text holds the token too (+2). uncut: (rows,) tokens of each text before
    it was cut to the length that the model reads.
    """

    tokens: Ragged
    query_of: Rows
    ad_of: Rows
    together: bool
    shared: bool = True
    ad_segment: int = 0
    bags: Ragged | None = None
    overlap: bool = False
    uncut: Rows | None = None

    @classmethod
    def of(
        cls, texts: Texts, sides: Sequence[Ragged], uncut: Rows, together: bool = False, **more: Any
    ) -> "Encoded":
        """Put the ids of the distinct queries before those of the distinct ads."""
        ad_of = texts.ad_of + len(sides[0])
        return cls(Ragged.joined(sides), texts.query_of, ad_of, together, uncut=uncut, **more)

    def __len__(self) -> int:
        return len(self.query_of)

    @property
    def lengths(self) -> Rows:
        """(pairs,) tokens that each pair costs."""
        return self.tokens.lengths[self.query_of] + self.tokens.lengths[self.ad_of]

    def used(self) -> Rows:
        """The embedding rows that these pairs touch, ascending."""
        source = self.tokens if self.bags is None else self.bags
        return np.unique(source.flat)

    def mapped(self, table: Rows) -> "Encoded":
        """The same with every embedding row renumbered by table[row]."""
        if self.bags is None:
            return replace(self, tokens=self.tokens.map(table))
        return replace(self, bags=self.bags.map(table))


@dataclass(frozen=True)
class Batch:
    """Some pairs, ready for a model.

    packs: sequences to encode: one pack of pairs (cross-encoder), one of queries and ads (shared
    towers), or two. query_rows, ad_rows: (pairs,) the sequence of each pair in the first and last
    pack; the same for a cross-encoder. bags: per pack the (flat, offsets) of its words' trigrams.
    """

    packs: tuple[Packed, ...]
    query_rows: Tensor
    ad_rows: Tensor
    bags: tuple[tuple[Tensor, Tensor], ...] = ()

    def __len__(self) -> int:
        return len(self.query_rows)

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        if device.type == "cpu":
            return self
        return Batch(
            tuple(p.to(device) for p in self.packs),
            self.query_rows.to(device, non_blocking=True),
            self.ad_rows.to(device, non_blocking=True),
            tuple((f.to(device), o.to(device)) for f, o in self.bags),
        )


def make_batch(encoded: Encoded, rows: Rows) -> Batch:
    """The pairs at these rows; each distinct text of two towers is taken once."""
    query, ad = encoded.query_of[rows], encoded.ad_of[rows]
    if encoded.together:
        return _together(encoded, query, ad)
    if encoded.shared:
        packed, bag, place = _towers(encoded, np.concatenate([query, ad]))
        halves = torch.from_numpy(place[: len(rows)]), torch.from_numpy(place[len(rows) :])
        return Batch((packed,), *halves, () if bag is None else (bag,))
    left, right = _towers(encoded, query), _towers(encoded, ad)
    bags = tuple(side[1] for side in (left, right) if side[1] is not None)
    return Batch((left[0], right[0]), torch.from_numpy(left[2]), torch.from_numpy(right[2]), bags)


def _together(encoded: Encoded, query: Rows, ad: Rows) -> Batch:
    tokens = encoded.tokens
    lengths = tokens.lengths[query] + tokens.lengths[ad]
    order = np.argsort(lengths, kind="stable")
    halves = np.stack([query[order], ad[order]], axis=1).ravel()
    ids = tokens.take(halves)
    is_ad = np.tile([False, True], len(query)).repeat(tokens.lengths[halves])
    segments = np.where(is_ad, encoded.ad_segment, 0)
    if encoded.overlap:
        segments += 2 * shared_tokens(ids, is_ad, np.arange(len(query)).repeat(lengths[order]))
    place = torch.from_numpy(_inverse(order))
    return Batch((pack(ids, lengths[order], segments),), place, place)


def shared_tokens(ids: Rows, is_ad: NDArray[np.bool_], pair: Rows) -> NDArray[np.bool_]:
    """(tokens,) whether the other text of the pair holds the token too."""
    key = pair * (ids.max(initial=0) + 1) + ids
    shared = np.empty(len(ids), dtype=bool)
    shared[is_ad] = np.isin(key[is_ad], key[~is_ad])
    shared[~is_ad] = np.isin(key[~is_ad], key[is_ad])
    return shared


def _towers(encoded: Encoded, rows: Rows) -> tuple[Packed, tuple[Tensor, Tensor] | None, Rows]:
    """Pack the distinct rows; also return the place of each given row."""
    distinct, back = np.unique(rows, return_inverse=True)
    lengths = encoded.tokens.lengths[distinct]
    order = np.argsort(lengths, kind="stable")
    ids = encoded.tokens.take(distinct[order])
    bag = None
    if encoded.bags is not None:
        words, ids = np.unique(ids, return_inverse=True)
        starts = np.cumsum(encoded.bags.lengths[words]) - encoded.bags.lengths[words]
        bag = (torch.from_numpy(encoded.bags.take(words)), torch.from_numpy(starts))
    return pack(ids, lengths[order]), bag, _inverse(order)[back]


def _inverse(order: Rows) -> Rows:
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place


def epoch_order(
    encoded: Encoded, size: int, ads_per_query: int, seed: int, epoch: int, lists: bool = False
) -> list[Rows]:
    """The batches of one epoch, drawn from (seed, epoch) alone so that a run can resume anywhere.

    A cross-encoder sees pairs in random order. For two towers the pairs of a query stay together,
    at most `ads_per_query` of them, in an order drawn anew: each query is then encoded once.

    lists: whether they stay together in any case, since the loss compares them. A border of a
    batch may still cut a list in two.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(encoded))
    if lists or not encoded.together:
        order = order[np.argsort(encoded.query_of[order], kind="stable")]
        query = encoded.query_of[order]
        first = np.searchsorted(query, query)  # where the query's own run begins
        unit = query * (len(encoded) + 1) + (np.arange(len(order)) - first) // ads_per_query
        _, unit = np.unique(unit, return_inverse=True)
        turn = rng.permutation(unit.max() + 1 if len(unit) else 0)
        order = order[np.argsort(turn[unit], kind="stable")]
    return np.array_split(order, range(size, len(order), size))


def by_length(encoded: Encoded, size: int) -> Iterator[Rows]:
    """Batches for scoring: similar lengths together, or a query's ads together for towers."""
    key = encoded.lengths if encoded.together else encoded.query_of
    order = np.argsort(key, kind="stable")
    for start in range(0, len(order), size):
        yield order[start : start + size]


def bucketed(batches: list[Rows], encoded: Encoded, seed: int, pool: int = 32) -> list[Rows]:
    """For encoders that need padding: within pools of batches, regroup pairs by length."""
    rng = np.random.default_rng([seed, len(batches)])
    out: list[Rows] = []
    for start in range(0, len(batches), pool):
        some = batches[start : start + pool]
        rows = np.concatenate(some)
        rows = rows[np.argsort(encoded.lengths[rows], kind="stable")]
        cut = np.cumsum([len(b) for b in some])[:-1]
        out += [np.split(rows, cut)[i] for i in rng.permutation(len(some))]
    return out
