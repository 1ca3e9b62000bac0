"""The texts of masked-word models: where they come from, and their ids."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdcore.data.names import named_pairs
from kdcore.data.pairs import PairTable
from kdcore.data.splits import with_test_split
from kdcore.data.world import sentences
from kdcore.errors import DataError
from kdcore.language.plan import ERRANDS, Plan
from kdcore.models.batches import Texts
from kdcore.models.tokens.masking import Masking
from kdcore.models.tokens.wordpiece import Ragged, WordPiece
from kdcore.workspace import Workspace

POOL = 16  # batches that are sorted by length together
UNSEEN_TEXTS = 2000  # texts that a model is measured on
_FIRST, _SECOND = 16, 48  # tokens read of a query and of an ad, as a cross-encoder reads them


@dataclass(frozen=True)
class Sources:
    """Texts that are read one by one or in pairs, a query and its ad.

    second: "" for a text that stands alone. group: (texts,) equal for the texts of one query.
    """

    first: Sequence[str]
    second: Sequence[str]
    group: NDArray[np.int64]

    @classmethod
    def of_pairs(cls, pairs: PairTable) -> "Sources":
        """A text for each pair: the query, then title and description of the ad."""
        texts = Texts.of(pairs)
        ads = [texts.ads[row] for row in texts.ad_of]
        return cls([texts.queries[row] for row in texts.query_of], ads, texts.query_of)

    @classmethod
    def single(cls, texts: Sequence[str]) -> "Sources":
        """Texts without a second one; equal texts are one group."""
        groups = np.unique(np.array(texts, dtype=object), return_inverse=True)[1]
        return cls(texts, [""] * len(texts), groups.astype(np.int64))

    def distinct(self) -> list[str]:
        """Every text once, sorted."""
        return sorted({*self.first, *self.second} - {""})


def sources(plan: Plan, workspace: Workspace | None = None) -> tuple[Sources, Sources]:
    """The texts that a plan learns from, and unseen ones: errands, or pairs of the test split."""
    if plan.data == ERRANDS:
        seen = sentences(plan.texts, plan.seed)
        unseen = sorted(set(sentences(1000, plan.seed + 1)) - set(seen)) or seen[:500]
        return Sources.single(seen), Sources.single(unseen)
    pairs = with_test_split(named_pairs(plan.data, workspace))
    seen_splits = [split for split in ("train", "log") if split in pairs.splits]
    if not seen_splits or "test" not in pairs.splits:
        here = ", ".join(pairs.splits)
        raise DataError(f"{plan.data} has only {here}: masked words need train (or log) and test")
    train, test = pairs.only(seen_splits), pairs.split("test")
    rng = np.random.default_rng(0)
    some = np.sort(rng.permutation(len(test))[:UNSEEN_TEXTS])
    first = np.arange(min(plan.texts, len(train)))
    return Sources.of_pairs(train.take(first)), Sources.of_pairs(test.take(some))


@dataclass(frozen=True)
class Corpus:
    """Texts as padded ids.

    ids, types: (texts, tokens); types are 0 in the first text and 1 in the second. masking: which
    words are hidden. group: (texts,) as in Sources.
    """

    ids: Tensor
    types: Tensor
    masking: Masking
    group: NDArray[np.int64]

    @classmethod
    def of(
        cls, texts: Sources, units: WordPiece, device: torch.device, smoothing: float = 0.0
    ) -> "Corpus":
        """Encode texts with [CLS] before, [SEP] after each part, and padding behind.

        smoothing: a piece that occurs n times is hidden with a chance of n to the power of minus
        this, as in DistilBERT's script (0.7), or the gap would mostly stand for "the".
        """
        first = _encode(units, texts.first, _FIRST + _SECOND).framed((units.cls,), (units.sep,))
        second = _encode(units, texts.second, _SECOND)
        lengths = second.lengths + (second.lengths > 0)  # with its [SEP]
        total = first.lengths + lengths
        places = np.arange(int(total.max()))
        ids = np.full((len(total), len(places)), units.tokenizer.pad_token_id)
        begins = places >= first.lengths[:, None]
        ids[~begins] = first.flat
        behind = begins & (places < total[:, None])
        ends = behind & (places == total[:, None] - 1)
        ids[ends] = units.sep
        ids[behind & ~ends] = second.flat
        filled = torch.from_numpy(ids)
        counts = torch.bincount(filled.flatten(), minlength=len(units)).clamp(min=1)
        types = torch.from_numpy(behind.astype(np.int64))
        return cls(
            filled.to(device),
            types.to(device),
            Masking.of(units, device, chance=counts.double() ** -smoothing),
            texts.group,
        )

    @property
    def key(self) -> str:
        """16 hex digits that change when its ids do."""
        return hashlib.sha256(self.ids.cpu().numpy().tobytes()).hexdigest()[:16]

    @property
    def pad(self) -> int:
        """The id of padding."""
        return self.masking.pad

    def batches(self, size: int, seed: int, first: int = 0) -> Iterator[Tensor]:
        """The rows of batch after batch from number `first` on, without an end.

        They depend on the seed and the batch's number alone (see pools), so a resumed training goes
        on with the same ones.
        """
        lengths = (self.ids != self.pad).sum(dim=1).cpu()
        return (rows for _, rows in pools([lengths], size, seed, first))

    def rows(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Ids and types of some texts, cut to the longest of them."""
        ids, types = self.ids[rows.to(self.ids.device)], self.types[rows.to(self.ids.device)]
        longest = int((ids != self.pad).sum(dim=1).max())
        return ids[:, :longest], types[:, :longest]


def pools(
    parts: Sequence[Tensor], size: int, seed: int, first: int = 0
) -> Iterator[tuple[int, Tensor]]:
    """(part, rows) of batch after batch from number `first` on, without an end.

    Texts of similar length meet, as in DistilBERT's script, so that little is padded: POOL batches
    are drawn with replacement, sorted by length, cut and shuffled. A pool comes from one part,
    drawn by its number of texts.

    Args:
        parts: (texts,) lengths of the texts of each part.
    """
    counts = torch.tensor([len(lengths) for lengths in parts], dtype=torch.float)
    for pool in count(first // POOL):
        rng = torch.Generator().manual_seed(seed * 2**31 + pool)
        part = int(torch.multinomial(counts, 1, generator=rng)) if len(parts) > 1 else 0
        lengths = parts[part]
        rows = torch.randint(len(lengths), (POOL * size,), generator=rng)
        rows = rows[lengths[rows].argsort(stable=True)].view(POOL, size)
        order = torch.randperm(POOL, generator=rng)
        skipped = first - pool * POOL if pool == first // POOL else 0
        for batch in rows[order[skipped:]]:
            yield part, batch


def _encode(units: WordPiece, texts: Sequence[str], longest: int) -> Ragged:
    """Encode each distinct text once."""
    distinct, rows = np.unique(np.array(texts, dtype=object), return_inverse=True)
    encoded = units.encode(distinct.tolist()).capped(longest)
    lengths = encoded.lengths[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Ragged(encoded.take(rows.astype(np.int64)), offsets)
