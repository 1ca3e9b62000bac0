"""Count the texts that are longer than a model reads, and find a length that holds nearly all.

A model reads the first `query_tokens` of a query and the first `ad_tokens` of an ad (title and
description); the rest of a longer text has no part in its answer.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.catalog import EncoderParams
from kdcore.data.pairs import PairTable

_PUNCTUATION, _IDEOGRAPHS = r"!-/:-@\[-`{-~", "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PIECE = re.compile(rf"[{_PUNCTUATION}{_IDEOGRAPHS}]|[^\s{_PUNCTUATION}{_IDEOGRAPHS}]+")
Lengths = NDArray[np.int64]
HELD = 0.95  # the share of pairs that the suggested length holds
_TOLD_FROM = 1 - HELD  # with fewer pairs cut, no other length is suggested


@dataclass(frozen=True)
class Cut:
    """One side (query, ad, or the whole pair) of some pairs, against the length at which it is cut.

    pairs: how many there are; cut: how many of them are longer than `limit`; enough: the shortest
    limit that would hold 95 % of them; most: the largest that the knob allows.
    """

    side: str
    knob: str
    limit: int
    pairs: int
    cut: int
    enough: int
    most: int

    @classmethod
    def of(cls, side: str, lengths: Lengths, limit: int, most: int) -> "Cut":
        """Count from the lengths of (pairs,) texts in the units that the knob counts."""
        enough = int(np.quantile(lengths, HELD, method="inverted_cdf")) if len(lengths) else 0
        over = int((lengths > limit).sum())
        return cls(side, f"{side}_tokens", limit, len(lengths), over, enough, most)

    @property
    def share(self) -> float:
        """Share of the pairs that are cut."""
        return self.cut / self.pairs if self.pairs else 0.0

    def sentence(self, where: str, unit: str = "tokens", *, at_least: bool = False) -> str:
        """Say what is cut of the pairs of `where`, and which limit would hold 95 % of them."""
        longer = {"query": "have a query", "ad": "have an ad", "pair": "are"}[self.side]
        few = "at least " if at_least else ""
        note = (
            f"{few}{self.cut:,} of {self.pairs:,} pairs of {where} ({self.share:.1%}) {longer} "
            f"longer than {self.knob} = {self.limit} {unit}, and the rest is not read"
        )
        if self.share <= _TOLD_FROM:
            return note
        if self.enough > self.most:
            return f"{note}; the most that can be set is {self.most}, and 95 % need {self.enough}"
        return f"{note}; {self.knob} = {self.enough} would hold 95 % of them"


def cuts_of(queries: Lengths, ads: Lengths, params: Any) -> tuple[Cut, ...]:
    """Measure both sides for a model's knobs; queries, ads: (pairs,) lengths before the cut."""
    knobs = type(params).__dataclass_fields__
    return tuple(
        Cut.of(
            side,
            lengths,
            getattr(params, f"{side}_tokens"),
            int(knobs[f"{side}_tokens"].metadata["high"]),
        )
        for side, lengths in (("query", queries), ("ad", ads))
    )


def cut_notes(cuts: Sequence[Cut], where: str, unit: str) -> tuple[str, ...]:
    """Return a sentence for each side of which something is cut."""
    return tuple(cut.sentence(where, unit) for cut in cuts if cut.cut)


def default_cut_findings(
    pairs: PairTable, split: str, count: Callable[[Sequence[str]], Lengths] | None = None
) -> list[str]:
    """Say what models cut of a split at their default lengths.

    count: gives the (texts,) numbers of tokens. Without one, words, punctuation marks and
    ideographs are counted; a tokenizer makes at least one token of each, and more of long words,
    so that the true numbers are at least these.
    """
    frame, params = pairs.frame, EncoderParams()
    ads = frame["title"].str.cat(frame["description"], sep=" ").str.strip()
    queries, of_ads = (
        count(list(texts)) if count else _least_tokens(texts, limit)
        for texts, limit in ((frame["query"], params.query_tokens), (ads, params.ad_tokens))
    )
    cuts = cuts_of(queries, of_ads, params)
    return [
        f"{cut.sentence(split, at_least=count is None)} (at the default length)"
        for cut in cuts
        if cut.cut
    ]


def _least_tokens(texts: Iterable[str], limit: int) -> Lengths:
    """Return (texts,) lower bounds of the number of tokens; meaningful only above the limit."""
    counted: dict[str, int] = {}
    for text in texts:
        if text not in counted:  # a text of few letters has few tokens
            counted[text] = len(text) if len(text) <= limit else len(_PIECE.findall(text))
    return np.fromiter((counted[text] for text in texts), dtype=np.int64)
