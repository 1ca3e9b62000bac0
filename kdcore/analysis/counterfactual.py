"""Find counterfactuals: the most similar ad of the same query with the other decision.

After the What-If Tool's nearest counterfactual, with words instead of features; and mark the words
that two texts do not share.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kdcore.analysis.attributes import words
from kdcore.data.pairs import PairTable

Kind = Literal["same", "gone", "new"]
PIECE = re.compile(r"\w+\s*|[^\w\s]+\s*|\s+")  # spaces go with the word before them


@dataclass(frozen=True)
class Span:
    """A stretch of a text: in both texts, only in the first (gone), or only in the second (new)."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Counterfactual:
    """The row of the most similar ad with the other decision; distance: 0 same words, 1 none."""

    row: int
    distance: float


def nearest(pairs: PairTable, row: int, decisions: NDArray[np.bool_]) -> Counterfactual | None:
    """Find the most similar ad of the same query with the other decision, or None.

    The distance is 1 minus the Jaccard index of the words of title and description. Equally near
    ads are ordered by a hash of their texts.

    decisions: (pairs,) what the model decides.
    """
    same_query = np.flatnonzero(pairs.query_ids == pairs.query_ids[row])
    others = same_query[decisions[same_query] != decisions[row]]
    if len(others) == 0:
        return None
    ads = pairs.frame.iloc[[row, *others.tolist()]]
    texts = (ads["title"] + " " + ads["description"]).tolist()
    own, *theirs = (set(words(text)) for text in texts)
    shares = [len(own & ad) / max(len(own | ad), 1) for ad in theirs]
    far = 1 - np.array(shares)
    best = int(np.lexsort((pairs.tiebreaks[others], far))[0])
    return Counterfactual(int(others[best]), float(far[best]))


def word_diff(first: str, second: str) -> tuple[Span, ...]:
    """Return spans that turn the first text into the second; case is ignored.

    Without the "gone" spans they are the second text, letter by letter.
    """
    before, after = PIECE.findall(first), PIECE.findall(second)
    matcher = SequenceMatcher(
        None,
        [p.lower().strip() for p in before],
        [p.lower().strip() for p in after],
        autojunk=False,
    )
    spans: list[Span] = []
    for step, a, b, c, d in matcher.get_opcodes():
        if step == "equal":
            spans.append(Span("same", "".join(after[c:d])))
            continue
        if b > a:
            spans.append(Span("gone", "".join(before[a:b])))
        if d > c:
            spans.append(Span("new", "".join(after[c:d])))
    return _separated(spans)


def _separated(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Put blanks around a gone word that would touch a word that stays.

    The last word of either text has no blank after it; the blank goes into the gone span, which
    is not part of the second text.
    """
    separated: list[Span] = []
    for i, span in enumerate(spans):
        text = span.text
        if span.kind == "gone":
            ahead = separated[-1].text if separated else ""
            behind = spans[i + 1].text if i + 1 < len(spans) else ""
            text = " " * _touch(ahead, text) + text + " " * _touch(text, behind)
        separated.append(Span(span.kind, text))
    return tuple(separated)


def _touch(left: str, right: str) -> bool:
    """Return whether two texts next to each other would read as one word."""
    return left[-1:].isalnum() and right[:1].isalnum()
