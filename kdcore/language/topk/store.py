"""Top-k logits in a folder: files are written whole, memory-mapped, and checked by their hash.

shards/NUMBER-HASH.safetensors   texts with hidden words, and the teacher's logits at those words
unseen.safetensors               texts that no student learns from, and how the teacher fills them
start/                           a DistilBERT with layers of the teacher, not trained further
tokenizer/                       the teacher's
manifest.json                    written last: a folder without it is no store

A shard carries the key of its store: a hash over the teacher, the texts, k, the seed of the hidden
words, and how the texts are cut. Only the k largest logits are kept (arXiv:1904.01624).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from kdcore.errors import DataError
from kdcore.language.corpus import Corpus, pools
from kdcore.language.losses import UNSEEN
from kdcore.language.measure import Fills
from kdcore.models.tokens.masking import Masking
from kdcore.softlabels import LOWEST_HALF, Rest, SoftLabelStore
from kdcore.workspace import read_json, write_bytes_atomic

MANIFEST, UNSEEN_FILE, SHARDS = "manifest.json", "unseen.safetensors", "shards"
START, TOKENIZER = "start", "tokenizer"
FORMAT = 1


def digest(path: Path) -> str:
    """SHA-256 of a file in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Shard:
    """Some texts with hidden words, and the teacher's k largest logits at each.

    read, types: (texts, tokens) ids as the teacher read them, and token types. lengths: (texts,).
    labels: (texts, tokens), UNSEEN where nothing was hidden. ends: (texts,) how many words are
    hidden up to the end of each text. indices, logits, rest: as in SoftLabelStore, a row per hidden
    word; indices is None where every logit is stored, in the order of the vocabulary.
    """

    read: Tensor
    types: Tensor
    lengths: Tensor
    labels: Tensor
    ends: Tensor
    logits: Tensor
    rest: Tensor | None = None
    indices: Tensor | None = None

    @classmethod
    def of(
        cls, read: Tensor, types: Tensor, lengths: Tensor, labels: Tensor, soft: SoftLabelStore
    ) -> "Shard":
        """From texts and the stored logits of their hidden words, text by text."""
        logits, whole = torch.from_numpy(soft.logits), soft.k == soft.classes
        indices = torch.from_numpy(soft.indices).long()
        if whole:  # every class has its own column, so no indices are needed
            logits, rest = torch.empty_like(logits).scatter_(1, indices, logits), None
        else:
            rest = None if soft.rest is None else torch.from_numpy(soft.rest)
        return cls(
            read.int(),
            types.to(torch.uint8),
            lengths.int(),
            labels.int(),
            (labels != UNSEEN).sum(dim=1).cumsum(dim=0).int(),
            logits,
            rest,
            None if whole else indices.int(),
        )

    def write(self, folder: Path, number: int, key: str, facts: Mapping[str, float]) -> Path:
        """Write it under a name made of its number and hash; the whole file or nothing."""
        tensors = {name: each.contiguous() for name, each in vars(self).items() if each is not None}
        content = save(tensors, metadata={"key": key, "facts": json.dumps(facts)})
        name = f"{number:06d}-{hashlib.sha256(content).hexdigest()[:16]}.safetensors"
        write_bytes_atomic(folder / name, content)
        return folder / name

    @classmethod
    def open(cls, path: Path, key: str) -> "Shard":
        """A shard whose tensors stay on disk until they are read; DataError for a foreign one."""
        try:
            with safe_open(path, framework="pt") as file:
                owner = (file.metadata() or {}).get("key", "")
                if owner != key:
                    raise DataError(
                        f"{path.name} belongs to another store (key {owner or 'missing'}, here "
                        f"{key}): put the right file back, or write the store again"
                    )
                return cls(**{name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        except (OSError, TypeError, SafetensorError) as cause:
            raise DataError(f"{path.name} is damaged ({cause}): write the store again") from cause

    @staticmethod
    def whole(folder: Path, number: int, key: str) -> tuple[Path, dict[str, float]] | None:
        """A shard that was written before, and its facts; None where it must be written (again)."""
        for path in folder.glob(f"{number:06d}-*.safetensors"):
            if path.stem.endswith(digest(path)[:16]):
                with safe_open(path, framework="pt") as file:
                    metadata = file.metadata() or {}
                if metadata.get("key") == key:
                    return path, json.loads(metadata["facts"])
            path.unlink()
        return None

    def batch(self, rows: Tensor, classes: int, rest: Rest) -> "Batch":
        """Some texts, cut to the longest of them, with the logits of their hidden words."""
        longest = int(self.lengths[rows].max())
        ends = self.ends[rows].long()
        counts = ends - torch.where(rows > 0, self.ends[(rows - 1).clamp(min=0)].long(), 0)
        before = counts.cumsum(dim=0) - counts
        first = torch.repeat_interleave(ends - counts - before, counts)
        places = first + torch.arange(len(first))
        return Batch(
            self.read[rows, :longest].long(),
            self.types[rows, :longest].long(),
            torch.arange(longest) < self.lengths[rows][:, None],
            self.labels[rows, :longest].long(),
            self._logits(places, classes, rest),
        )

    def _logits(self, places: Tensor, classes: int, rest: Rest) -> Tensor:
        """(hidden words, classes) logits; a dropped class has the lowest one, or the rest's."""
        stored = self.logits[places].float()
        if self.indices is None:
            return stored
        full = torch.full((len(places), classes), LOWEST_HALF)  # its probability is exactly 0
        if rest == "uniform" and self.rest is not None:
            full[:] = self.rest[places].float()[:, None]
        return full.scatter_(1, self.indices[places].long(), stored)


@dataclass(frozen=True)
class Batch:
    """Texts of a shard; read, types, attended, labels: (texts, tokens), soft: (hidden, classes)."""

    read: Tensor
    types: Tensor
    attended: Tensor
    labels: Tensor
    soft: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        return Batch(**{name: each.to(device) for name, each in vars(self).items()})


@dataclass(frozen=True)
class TopKStore:
    """A finished store; every file was compared with its hash when it was opened."""

    folder: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path) -> "TopKStore":
        """The store of a folder; DataError where one is missing, unfinished, damaged or mixed."""
        manifest = read_json(folder / MANIFEST)
        if not manifest:
            raise DataError(
                f"{folder} holds no finished store: write one with `kdlab masked store`, or go on "
                "with it by `kdlab masked resume NAME`"
            )
        if manifest.get("format") != FORMAT:
            raise DataError(f"{folder} is a store of another version; write it again")
        store = cls(folder, manifest)
        for name, sha in manifest["files"].items():
            store._check(name, sha)
        return store

    def _check(self, name: str, sha: str) -> None:
        path = self.folder / name
        if not path.is_file():
            raise DataError(f"{name} is missing in {self.folder}: write the store again")
        if digest(path) != sha:
            if name.startswith(SHARDS):
                Shard.open(path, self.manifest["key"])  # a clearer error for another store's
            raise DataError(
                f"{name} in {self.folder} is damaged or was changed: write the store again"
            )

    @property
    def classes(self) -> int:
        """Pieces of the teacher's vocabulary."""
        return int(self.manifest["classes"])

    @cached_property
    def shards(self) -> list[Shard]:
        """Its shards in order, memory-mapped."""
        names = sorted(name for name in self.manifest["files"] if name.startswith(SHARDS))
        return [Shard.open(self.folder / name, self.manifest["key"]) for name in names]

    def batches(self, size: int, seed: int, first: int = 0) -> Iterator[tuple[int, Tensor]]:
        """(shard, rows) of batch after batch, without an end; they depend on seed and number alone.

        A pool of batches comes from one shard, drawn by its number of texts.
        """
        return pools([shard.lengths for shard in self.shards], size, seed, first)

    def unseen(self, device: torch.device) -> tuple[Corpus, Fills]:
        """Texts to measure a student on, and the teacher's answers to them."""
        with safe_open(self.folder / UNSEEN_FILE, framework="pt") as file:
            parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        names = ("hits", "hidden", "words", "losses")
        answers = Fills(*(parts.pop(name).numpy() for name in names))
        group, special = parts.pop("group").numpy(), parts.pop("special").tolist()
        ids, types, chance = (parts[name].to(device) for name in ("ids", "types", "chance"))
        masking = Masking(chance, **dict(zip(SPECIAL, special, strict=True)))
        return Corpus(ids, types, masking, group), answers


SPECIAL = ("pad", "mask", "last_special")  # fields of a Masking that are one number each


def save_unseen(path: Path, corpus: Corpus, answers: Fills) -> None:
    """Write what TopKStore.unseen reads."""
    tensors = {"ids": corpus.ids, "types": corpus.types, "chance": corpus.masking.chance}
    tensors = {name: tensor.cpu() for name, tensor in tensors.items()}
    tensors["group"] = torch.from_numpy(corpus.group)
    tensors["special"] = torch.tensor([getattr(corpus.masking, name) for name in SPECIAL])
    tensors |= {name: torch.from_numpy(each) for name, each in vars(answers).items()}
    write_bytes_atomic(path, save(tensors))
