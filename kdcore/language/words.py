"""The vocabulary of a masked model: whole words, and single letters to spell unknown ones."""

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from kdcore.models.tokens.wordpiece import SPECIAL, WordPiece

_ENOUGH = 2000  # pieces; at this size every word of a small grammar is one of its own


def learn_words(texts: list[str]) -> WordPiece:
    """Learn a tokenizer of the words of these texts and of single letters, nothing between.

    Word pieces on the way from letters to words never stand in a text; left in, they would share
    the mass of every softened label.
    """
    units = WordPiece.train(texts, _ENOUGH)
    used = set(units.encode(sorted(set(texts))).flat.tolist())
    core: dict[str, Any] = json.loads(units.tokenizer.backend_tokenizer.to_str())
    pieces = sorted(core["model"]["vocab"], key=core["model"]["vocab"].__getitem__)
    chosen = [p for i, p in enumerate(pieces) if i in used or p in SPECIAL or _is_letter(p)]
    core["model"]["vocab"] = {piece: i for i, piece in enumerate(chosen)}
    return WordPiece(_fast(core))


def _is_letter(piece: str) -> bool:
    letter = piece.removeprefix("##")
    return len(letter) == 1 and letter.isalnum()


def _fast(core: dict[str, Any]) -> PreTrainedTokenizerFast:
    names: Iterable[str] = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(core)),
        **dict(zip(names, SPECIAL, strict=True)),
    )
