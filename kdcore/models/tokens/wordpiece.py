"""The WordPiece tokenizer, trained on the data or loaded with a checkpoint, and rows of ids.

Tokenizers turn distinct texts into flat arrays of ids once; batches are then taken by index.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import (
    Regex,
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
from kdcore.models.tokens.words import LONGEST_WORD, PORTION, portions
from kdcore.stops import heed, run_in_thread

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
        """(rows,) number of ids in each row."""
        return np.diff(self.offsets)

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[int]]) -> "Ragged":
        """Join lists of ids."""
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        flat = np.fromiter((i for row in rows for i in row), dtype=np.int64, count=int(offsets[-1]))
        return cls(flat, offsets)

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ids of these rows, one row after the other."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths)
        index = np.arange(ends[-1] if len(ends) else 0)
        taken: NDArray[np.int64] = self.flat[
            index + np.repeat(self.offsets[rows] - ends + lengths, lengths)
        ]
        return taken

    def capped(self, longest: int) -> "Ragged":
        """Cut every row to its first `longest` ids."""
        lengths = np.minimum(self.lengths, longest)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        index = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1] - offsets[:-1], lengths)
        return Ragged(self.flat[index], offsets)

    def framed(self, before: tuple[int, ...], after: tuple[int, ...]) -> "Ragged":
        """Put the same ids before and after every row."""
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
        """Join the rows of all parts, in order."""
        empty = np.zeros(0, dtype=np.int64)
        lengths = np.concatenate([empty, *(part.lengths for part in parts)])
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return cls(np.concatenate([empty, *(part.flat for part in parts)]), offsets)

    def filled(self, value: int) -> "Ragged":
        """Put one `value` into empty rows, so that every text has a token."""
        empty = self.lengths == 0
        if not empty.any():
            return self
        flat = np.insert(self.flat, self.offsets[:-1][empty], value)
        return Ragged(flat, self.offsets + np.concatenate([[0], np.cumsum(empty)]))

    def map(self, table: NDArray[np.int64]) -> "Ragged":
        """Replace every id by table[id]."""
        return Ragged(table[self.flat], self.offsets)


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
    def train(cls, texts: Iterable[str], size: int, *, strip_accents: bool = False) -> "WordPiece":
        """Learn lower-cased word pieces from texts; the same texts give the same ids.

        Texts are composed (NFC) first, and accents are kept unless `strip_accents`. A word longer
        than 100 letters is split there. A stop (kdcore.stops) is heeded meanwhile.
        """
        core = _basic(models.WordPiece(unk_token="[UNK]"), strip_accents)
        texts = sorted({text for part in portions(set(texts), PORTION) for text in part})
        letters = sorted({c for t in texts for c in core.normalizer.normalize_str(t) if c != " "})
        # the trainer numbers "##x" in hash order and breaks ties by number; numbered here instead
        fixed = [*SPECIAL, *(f"##{c}" for c in letters)]
        trainer = trainers.WordPieceTrainer(
            vocab_size=size, special_tokens=fixed, show_progress=False
        )
        run_in_thread(lambda: core.train_from_iterator(texts, trainer))
        pieces = [*SPECIAL, *sorted(set(core.get_vocab()) - set(SPECIAL))]
        vocabulary = {piece: i for i, piece in enumerate(pieces)}
        core = _basic(models.WordPiece(vocabulary, unk_token="[UNK]"), strip_accents)
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
        """Load from a model's folder or a hub id; remote code is never run."""
        _refuse_sentencepiece(source)
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                os.path.expanduser(str(source)), trust_remote_code=False
            )
        except MemoryError:
            raise
        except Exception as cause:  # a foreign file; its readers may raise anything
            reason = " ".join(str(cause).split())[:200] or type(cause).__name__
            raise DataError(
                f"{source} holds no tokenizer that transformers can load ({reason}); "
                "put its tokenizer.json beside the weights"
            ) from cause
        tokenizer.init_kwargs.pop("auto_map", None)  # names code that is not copied
        return cls(tokenizer)

    def __len__(self) -> int:
        return len(self.tokenizer)

    def encode(self, texts: Sequence[str]) -> Ragged:
        """Return the ids of each text, without special tokens."""
        backend = self.tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        parts = []
        for part in portions(texts, PORTION):  # an Encoding is a hundred times as large as its ids
            heed()
            encodings = backend.encode_batch_fast(part, add_special_tokens=False)
            parts.append(Ragged.from_rows([e.ids for e in encodings]))
        return Ragged.joined(parts)

    def frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The special ids before and after a text that is read alone."""
        probe = self.tokenizer("a")
        inside = [i for i, of in enumerate(probe.sequence_ids(0)) if of == 0]
        ids = probe["input_ids"]
        return tuple(ids[: inside[0]]), tuple(ids[inside[-1] + 1 :])

    def save(self, folder: Path) -> None:
        """Write tokenizer.json and its config."""
        self.tokenizer.save_pretrained(folder)


def _refuse_sentencepiece(source: str | Path) -> None:
    """DataError where a folder's tokenizer is a sentencepiece model that is still to be turned."""
    folder = Path(os.path.expanduser(str(source)))
    pieces = sorted(folder.glob("*.model")) if folder.is_dir() else []
    if pieces and not (folder / "tokenizer.json").is_file():
        raise DataError(
            f"{source} holds its tokenizer as {pieces[0].name} alone, a sentencepiece model; where "
            "sentencepiece is installed, AutoTokenizer.from_pretrained(FOLDER).save_pretrained("
            "FOLDER) writes the tokenizer.json that the lab reads"
        )


def _basic(model: Any, strip_accents: bool) -> Tokenizer:
    """Make a tokenizer that lower-cases, composes and splits texts as BERT does."""
    core = Tokenizer(model)
    core.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.BertNormalizer(lowercase=True, strip_accents=strip_accents),
        ]
    )
    # BERT reads a longer word as [UNK]; split, it stays readable, and training time linear
    longest = pre_tokenizers.Split(Regex(f".{{{LONGEST_WORD}}}"), "isolated")
    core.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(), longest])
    return core
