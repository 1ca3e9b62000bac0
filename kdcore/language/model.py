"""A masked language model, loaded once for many sentences; safetensors only, no remote code."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from huggingface_hub import snapshot_download
from safetensors import SafetensorError
from transformers import AutoModelForMaskedLM, AutoTokenizer

from kdcore.errors import DataError
from kdcore.hub import local_or_hub
from kdcore.language.fill import BLANK, Filled, check_sentence
from kdcore.models.pretrained.encoder import refuse_non_numbers

_REFUSALS = (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError)
_READ = ["*.json", "*.txt", "*.model", "model*.safetensors"]  # of a hub's model; no pickles


@dataclass(frozen=True)
class MaskedModel:
    """One model with its tokenizer; words: what each id of the vocabulary reads like."""

    source: str
    net: Any
    tokenizer: Any
    words: tuple[str, ...]

    @classmethod
    def load(cls, source: str | Path, words: str | Path = "") -> Self:
        """From a local folder, or a hub id while the hub (or its cache) can be reached.

        words: the folder of its tokenizer, where it lies elsewhere.
        """
        name = str(source)
        if not name.strip():
            raise DataError("no model is named: give a folder or a hub id")
        name, local = local_or_hub(name)
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                str(words or name), trust_remote_code=False, local_files_only=local
            )
            net, loading = AutoModelForMaskedLM.from_pretrained(
                name,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=local,
                output_loading_info=True,
            )
        except _REFUSALS as cause:
            raise DataError(_refusal(name, cause)) from cause
        wrong = {key for key, *_ in loading["mismatched_keys"]} | set(loading["missing_keys"])
        if wrong:
            raise DataError(
                f"{name} is not a masked language model: its weights have no {min(wrong)}; choose "
                "one that was trained to fill gaps (BertForMaskedLM and its like)"
            )
        refuse_non_numbers(name, dict(net.named_parameters()))
        if tokenizer.mask_token_id is None:
            raise DataError(
                f"{name} has no word for a gap ([MASK]); choose a masked language model"
            )
        size = int(net.get_output_embeddings().weight.shape[0])
        return cls(name, net.eval(), tokenizer, tuple(_readable(tokenizer, size)))

    def fill(self, sentence: str) -> Filled:
        """The whole vocabulary's logits at the sentence's one gap."""
        text = check_sentence(sentence)
        ids = self.tokenizer(
            BLANK.sub(lambda _: self.tokenizer.mask_token, text), return_tensors="pt"
        )
        gaps = (ids["input_ids"][0] == self.tokenizer.mask_token_id).nonzero()
        if len(gaps) != 1:
            raise DataError("this model reads more than one gap there: leave exactly one [MASK]")
        length, room = ids["input_ids"].shape[1], self._room()
        if length > room:
            raise DataError(
                f"the sentence has {length} pieces, this model reads {room}: shorten it"
            )
        with torch.inference_mode():
            logits = self.net(**ids).logits[0, int(gaps[0])].float().numpy()
        if not np.isfinite(logits).all():
            raise DataError(f"{self.source} returns values that are not numbers; fetch it again")
        return Filled.of(self.source, text, self.words, logits, self._unknown(text))

    def _unknown(self, sentence: str) -> tuple[str, ...]:
        """Words of the sentence that the vocabulary lacks: unknown, or spelled letter by letter."""
        unknown: dict[str, None] = {}  # a set that keeps the order
        for word in re.findall(r"\w+", BLANK.sub(" ", sentence)):
            pieces = self.tokenizer.tokenize(f" {word}")
            letters = [piece.strip("#\u0120\u2581") for piece in pieces]  # ##, and marks of a word
            spelled = len(letters) > 1 and all(len(letter) <= 1 for letter in letters)
            if spelled or self.tokenizer.unk_token in pieces:
                unknown[word] = None
        return tuple(unknown)

    def _room(self) -> int:
        """Pieces that fit into the position table; RoBERTa's begins after its padding."""
        config = self.net.config
        positions = int(getattr(config, "max_position_embeddings", 512) or 512)
        embeddings = getattr(self.net.base_model, "embeddings", None)
        table = getattr(embeddings, "position_embeddings", None)
        first = getattr(table, "padding_idx", None)
        return positions if first is None else positions - first - 1


def fetch(name: str) -> None:
    """Download a hub model's files once; a folder is left as it is.

    Raises DataError when the hub does not respond; loading the model reports other faults.
    """
    if not name.strip() or local_or_hub(name)[1]:
        return
    with suppress(Exception):  # of the hub, the net or the disk: loading meets it again, in words
        snapshot_download(name, allow_patterns=_READ)


def _refusal(name: str, cause: Exception) -> str:
    reason = (str(cause).strip() or type(cause).__name__).splitlines()[0][:200]
    return (
        f"{name} cannot be opened as a masked language model ({reason}): give a folder with "
        "config.json, model.safetensors and a tokenizer, or the id of such a model on the hub"
    )


def _readable(tokenizer: Any, size: int) -> list[str]:
    """Every piece as a person reads it; pieces inside a word begin with ##, as BERT's do."""
    named = min(size, len(tokenizer))
    pieces = [str(p) for p in tokenizer.convert_ids_to_tokens(list(range(named)))]
    special = set(tokenizer.all_special_tokens)
    marker = next((m for m in ("Ġ", "▁") if any(p.startswith(m) for p in pieces)), "")
    read = [p if p in special or not marker else _unmarked(tokenizer, p, marker) for p in pieces]
    return read + [f"[unused {i}]" for i in range(named, size)]  # a table may be padded


def _unmarked(tokenizer: Any, piece: str, marker: str) -> str:
    """A piece of a vocabulary that marks where words begin, not where they continue."""
    begins = piece.startswith(marker)
    text = piece.removeprefix(marker)
    if not text.isascii():  # byte-level vocabularies spell é as two signs
        text = str(tokenizer.convert_tokens_to_string([piece])).strip() or text
    return text if begins or not text[:1].isalnum() else f"##{text}"
