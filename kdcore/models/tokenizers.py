"""Tokenizers: WordPiece (trained on the data, or taken with a checkpoint) and letter trigrams.

Both turn distinct texts into flat arrays of ids once; batches are then cut by index.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from kdcore.errors import DataError

PORTION = 4096  # texts tokenized at a time
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Ragged:
    """Rows of ids of different lengths as one flat array.

    flat: (ids,) and offsets: (rows + 1,): row i is flat[offsets[i]:offsets[i + 1]].
    """

    flat: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(rows,) ids in each."""
        return np.diff(self.offsets)

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[int]]) -> "Ragged":
        """From lists of ids."""
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        flat = np.fromiter((i for row in rows for i in row), dtype=np.int64, count=int(offsets[-1]))
        return cls(flat, offsets)

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The ids of these rows end to end."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths)
        index = np.arange(ends[-1] if len(ends) else 0)
        taken: NDArray[np.int64] = self.flat[
            index + np.repeat(self.offsets[rows] - ends + lengths, lengths)
        ]
        return taken

    def capped(self, longest: int) -> "Ragged":
        """Every row cut to its first `longest` ids."""
        lengths = np.minimum(self.lengths, longest)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        index = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1] - offsets[:-1], lengths)
        return Ragged(self.flat[index], offsets)

    def framed(self, before: tuple[int, ...], after: tuple[int, ...]) -> "Ragged":
        """Every row between the same ids before and after."""
        rows, extra = len(self), len(before) + len(after)
        offsets = self.offsets + extra * np.arange(rows + 1)
        flat = np.empty(offsets[-1], dtype=np.int64)
        body = np.ones(len(flat), dtype=bool)
        for i, value in enumerate(before):
            flat[offsets[:-1] + i], body[offsets[:-1] + i] = value, False
        for i, value in enumerate(reversed(after)):
            flat[offsets[1:] - 1 - i], body[offsets[1:] - 1 - i] = value, False
        flat[body] = self.flat
        return Ragged(flat, offsets)

    @classmethod
    def joined(cls, parts: Sequence["Ragged"]) -> "Ragged":
        """The rows of all parts, in order."""
        empty = np.zeros(0, dtype=np.int64)
        lengths = np.concatenate([empty, *(part.lengths for part in parts)])
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return cls(np.concatenate([empty, *(part.flat for part in parts)]), offsets)

    def followed_by(self, other: "Ragged") -> "Ragged":
        """These rows, then the other's."""
        return Ragged.joined([self, other])

    def filled(self, value: int) -> "Ragged":
        """Empty rows hold one `value`: every text has at least one token."""
        empty = self.lengths == 0
        if not empty.any():
            return self
        flat = np.insert(self.flat, self.offsets[:-1][empty], value)
        return Ragged(flat, self.offsets + np.concatenate([[0], np.cumsum(empty)]))

    def map(self, table: NDArray[np.int64]) -> "Ragged":
        """Every id replaced by table[id]."""
        return Ragged(table[self.flat], self.offsets)


class Units(Protocol):
    """What a model needs of its tokenizer."""

    def encode(self, texts: Sequence[str]) -> Ragged:
        """Ids of each text, without special tokens."""
        ...

    def save(self, folder: Path) -> None:
        """Write it beside the model."""
        ...


class WordPiece:
    """Word pieces: a Hugging Face fast tokenizer, ours or a checkpoint's."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        missing = [n for n in ("cls_token_id", "sep_token_id") if getattr(tokenizer, n) is None]
        if missing or not tokenizer.is_fast:
            raise DataError(
                "this checkpoint's tokenizer has no [CLS]/[SEP] or no fast version; "
                "choose an encoder of the BERT family"
            )
        self.cls, self.sep = int(tokenizer.cls_token_id), int(tokenizer.sep_token_id)

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> "WordPiece":
        """Learn lower-cased word pieces from texts; the same texts give the same ids."""
        core = _basic(models.WordPiece(unk_token="[UNK]"))
        texts = sorted(set(texts))
        letters = sorted({c for t in texts for c in core.normalizer.normalize_str(t) if c != " "})
        # the trainer numbers "##x" in hash order and breaks ties by number; numbered here instead
        fixed = [*SPECIAL, *(f"##{c}" for c in letters)]
        trainer = trainers.WordPieceTrainer(
            vocab_size=size, special_tokens=fixed, show_progress=False
        )
        core.train_from_iterator(texts, trainer)
        pieces = [*SPECIAL, *sorted(set(core.get_vocab()) - set(SPECIAL))]
        vocabulary = {piece: i for i, piece in enumerate(pieces)}
        core = _basic(models.WordPiece(vocabulary, unk_token="[UNK]"))
        core.decoder = decoders.WordPiece()
        core.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
        names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
        return cls(
            PreTrainedTokenizerFast(
                tokenizer_object=core,
                # a plain call on a pair must tell query from ad, as we do
                model_input_names=["input_ids", "token_type_ids", "attention_mask"],
                **dict(zip(names, SPECIAL, strict=True)),
            )
        )

    @classmethod
    def load(cls, source: str | Path) -> "WordPiece":
        """From a model's folder or a hub id; remote code is never run."""
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(source), trust_remote_code=False)
        except (OSError, ValueError, KeyError) as cause:
            raise DataError(
                f"{source} holds no tokenizer that transformers can load "
                f"({str(cause).splitlines()[0]}); put its tokenizer.json beside the weights"
            ) from cause
        return cls(tokenizer)

    def __len__(self) -> int:
        return len(self.tokenizer)

    def encode(self, texts: Sequence[str]) -> Ragged:
        """Ids of each text, without special tokens."""
        backend = self.tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        # in portions, because an Encoding object is a hundred times its ids
        portions = [
            Ragged.from_rows(
                [e.ids for e in backend.encode_batch_fast(some, add_special_tokens=False)]
            )
            for some in (list(texts[i : i + PORTION]) for i in range(0, len(texts), PORTION))
        ]
        return Ragged.joined(portions)

    def save(self, folder: Path) -> None:
        """Write tokenizer.json and its config."""
        self.tokenizer.save_pretrained(folder)


class Trigrams:
    """Words as bags of letter trigrams: `#word#` cut into threes (facts of C-DSSM and TwinBERT).

    Lower-cased, everything but letters of any alphabet and digits removed, at most 20 trigrams
    a word. `ids` maps a trigram to 1..; 0 stands for all that were not seen in training.
    """

    LONGEST_WORD = 20

    def __init__(self, trigrams: Sequence[str]) -> None:
        self.trigrams = tuple(trigrams)
        self.ids = {t: i + 1 for i, t in enumerate(self.trigrams)}
        self._words: dict[str, int] = {}
        self._bags: list[list[int]] = []

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> "Trigrams":
        """Keep the most frequent trigrams of texts; ties in alphabetical order."""
        words = Counter(word for text in texts for word in words_of(text))
        counts: Counter[str] = Counter()
        for word, count in words.items():
            for trigram in cut(word):
                counts[trigram] += count
        kept = sorted(counts, key=lambda t: (-counts[t], t))[: size - 1]
        return cls(kept)

    @classmethod
    def load(cls, folder: Path) -> "Trigrams":
        """What save wrote."""
        try:
            return cls(json.loads((folder / "trigrams.json").read_text(encoding="utf-8")))
        except (OSError, ValueError) as cause:
            raise DataError(
                f"{folder} holds no letter trigrams ({cause}); finish its run first"
            ) from cause

    def __len__(self) -> int:
        return len(self.trigrams) + 1

    def encode(self, texts: Sequence[str]) -> Ragged:
        """A number for each word, new words added to the table of bags (see `bags`)."""
        return Ragged.from_rows(
            [[self._word(w) for w in words_of(t)] or [self._word("")] for t in texts]
        )

    def bags(self) -> Ragged:
        """Row w holds the trigram ids of word w, for every word met so far."""
        return Ragged.from_rows(self._bags)

    def _word(self, word: str) -> int:
        if word not in self._words:
            self._words[word] = len(self._bags)
            self._bags.append([self.ids.get(t, 0) for t in cut(word)[: self.LONGEST_WORD]])
        return self._words[word]

    def save(self, folder: Path) -> None:
        """Write trigrams.json."""
        (folder / "trigrams.json").write_text(
            json.dumps(self.trigrams, ensure_ascii=False), encoding="utf-8"
        )


def _basic(model: Any) -> Tokenizer:
    core = Tokenizer(model)
    core.normalizer = normalizers.BertNormalizer(lowercase=True)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return core


_NOT_A_WORD = re.compile(r"[^\w ]|_")


def words_of(text: str) -> list[str]:
    """Lower-cased words of letters and digits."""
    return _NOT_A_WORD.sub(" ", text.lower()).split()


def cut(word: str) -> list[str]:
    """Letter trigrams of `#word#`: len(word) of them."""
    marked = f"#{word}#"
    return [marked[i : i + 3] for i in range(max(len(marked) - 2, 1))]
