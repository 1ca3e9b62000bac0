"""The letter-trigram tokenizer of C-DSSM, and of TwinBERT with units=trigrams."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from pathlib import Path
from typing import Any

from kdcore.errors import DataError
from kdcore.models.tokens.wordpiece import Ragged
from kdcore.models.tokens.words import LETTERS, PORTION, RULES, UNICODE, cut, portions, words_of
from kdcore.stops import heed


class Trigrams:
    """Words as bags of letter trigrams: `#word#` split into threes, as in C-DSSM and TwinBERT.

    Lower-cased, everything but letters of any alphabet and digits removed, at most 20 trigrams
    per word. `ids` maps a trigram to 1..; 0 stands for all that did not occur in training.
    rule, strip_accents: what a word is, see kdcore.models.tokens.words.
    """

    LONGEST_WORD = 20

    def __init__(
        self, trigrams: Sequence[str], rule: str = UNICODE, strip_accents: bool = False
    ) -> None:
        self.trigrams = tuple(trigrams)
        self.rule, self.strip_accents = rule, strip_accents
        self.ids = {t: i + 1 for i, t in enumerate(self.trigrams)}
        self._forget()

    @classmethod
    def train(cls, texts: Iterable[str], size: int, *, strip_accents: bool = False) -> "Trigrams":
        """Keep the most frequent trigrams of texts; ties in alphabetical order."""
        words: Counter[str] = Counter()
        for part in portions(texts, PORTION):
            heed()
            words.update(w for text in part for w in words_of(text, UNICODE, strip_accents))
        counts: Counter[str] = Counter()
        for word, count in words.items():
            for trigram in cut(word):
                counts[trigram] += count
        frequent = sorted(counts, key=lambda t: (-counts[t], t))[: size - 1]
        return cls(frequent, UNICODE, strip_accents)

    @classmethod
    def load(cls, folder: Path) -> "Trigrams":
        """Read what `save` wrote; a plain list of trigrams, of old versions, has the older rule."""
        try:
            content = json.loads((folder / "trigrams.json").read_text(encoding="utf-8"))
            if isinstance(content, list):
                return cls(content, LETTERS)
            rule = content["rule"]
            if rule not in RULES:
                raise ValueError(f"its rule {rule!r} is not one of {', '.join(RULES)}")
            return cls(content["trigrams"], rule, bool(content["strip_accents"]))
        except (OSError, ValueError, KeyError, TypeError) as cause:
            raise DataError(
                f"{folder} does not hold letter trigrams ({cause}); finish its run first"
            ) from cause

    def __len__(self) -> int:
        return len(self.trigrams) + 1

    def encode(self, texts: Sequence[str]) -> Ragged:
        """Number each word; new words are added to the table of bags (see `bags`)."""
        parts = []
        for part in portions(texts, PORTION):
            heed()
            words = [words_of(text, self.rule, self.strip_accents) or [""] for text in part]
            parts.append(Ragged.from_rows([[self._word(w) for w in row] for row in words]))
        return Ragged.joined(parts)

    def without_words(self) -> "Trigrams":
        """The same trigrams and no word yet: word numbers depend on the texts read since then."""
        other = copy(self)
        other._forget()
        return other

    def bags(self) -> Ragged:
        """Return the trigram ids of every word so far, one row per word."""
        return Ragged.from_rows(self._bags)

    def _forget(self) -> None:
        self._words: dict[str, int] = {}
        self._bags: list[list[int]] = []

    def _word(self, word: str) -> int:
        if word not in self._words:
            self._words[word] = len(self._bags)
            self._bags.append([self.ids.get(t, 0) for t in cut(word)[: self.LONGEST_WORD]])
        return self._words[word]

    def save(self, folder: Path) -> None:
        """Write trigrams.json: the trigrams, and the rule by which words are found."""
        content: Any = list(self.trigrams)
        if self.rule != LETTERS:
            content = {
                "rule": self.rule,
                "strip_accents": self.strip_accents,
                "trigrams": self.trigrams,
            }
        text = json.dumps(content, ensure_ascii=False)
        (folder / "trigrams.json").write_text(text, encoding="utf-8")
