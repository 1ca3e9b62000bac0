"""What fills a gap: the logit of every word, so that it can be softened at any temperature."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import DataError
from kdcore.softlabels import Floats, entropy, soften

LONGEST = 600  # letters of a sentence; far more than an errand has
BLANK = re.compile(r"\[mask\]|<mask>|_{2,}", re.IGNORECASE)  # how people write a gap


def check_sentence(sentence: str) -> str:
    """The sentence without spare blanks; DataError unless it has words and exactly one [MASK]."""
    text = " ".join(sentence.split())
    if not text:
        raise DataError("the sentence is empty: write one with [MASK] in place of a word")
    if len(text) > LONGEST:
        raise DataError(f"the sentence has {len(text)} letters: keep it below {LONGEST}")
    gaps = len(BLANK.findall(text))
    if gaps != 1:
        number = "no [MASK]" if not gaps else f"{gaps} gaps"
        raise DataError(f"the sentence has {number}: put [MASK] in place of exactly one word")
    if not re.search(r"\w", BLANK.sub(" ", text)):
        raise DataError("the sentence is nothing but a gap: write some words around [MASK]")
    return text


@dataclass(frozen=True)
class Filled:
    """A model's answer to one sentence, likeliest word first.

    words: what a person reads; a piece that continues a word begins with "##".
    logits: (words,) of the whole vocabulary, descending, so that a softmax at any T is exact.
    unknown: words of the sentence that the model's vocabulary lacks.
    """

    source: str
    sentence: str
    words: tuple[str, ...]
    logits: NDArray[np.float32]
    unknown: tuple[str, ...] = ()
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places: dict[str, int] = {}
        for place, word in enumerate(self.words):
            places.setdefault(word, place)  # of two pieces that read alike, the likelier
        object.__setattr__(self, "_places", places)

    @classmethod
    def of(
        cls,
        source: str,
        sentence: str,
        words: Sequence[str],
        logits: NDArray[np.float32],
        unknown: tuple[str, ...] = (),
    ) -> "Filled":
        """From a vocabulary in its own order and a logit for each."""
        order = np.argsort(-logits, kind="stable")
        return cls(source, sentence, tuple(words[i] for i in order), logits[order], unknown)

    def __len__(self) -> int:
        return len(self.words)

    def place(self, word: str) -> int | None:
        """Where a word stands, 0 first; None when the vocabulary lacks it."""
        return self._places.get(word)

    def soft(self, temperature: float = 1.0) -> Floats:
        """(words,) soft labels of the whole vocabulary; they sum to 1."""
        return soften(self.logits, temperature)

    def head(self, k: int, temperature: float = 1.0) -> list[tuple[str, float]]:
        """The k likeliest words and their probabilities."""
        return list(zip(self.words[:k], self.soft(temperature)[:k].tolist(), strict=True))

    def bits(self, temperature: float = 1.0) -> float:
        """Entropy of the soft label in bits."""
        return float(entropy(self.logits, temperature))

    def sharing(self, mass: float = 0.9, temperature: float = 1.0) -> int:
        """How many of the likeliest words hold this share of the mass together."""
        together = np.cumsum(self.soft(temperature))
        return min(int(np.searchsorted(together, mass - 1e-12)) + 1, len(self))
