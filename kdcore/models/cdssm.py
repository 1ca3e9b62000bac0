"""C-DSSM: letter trigrams, a convolution over three words, max over positions, a cosine.

Shen et al. 2014 (CLSM). The convolution over trigram counts is a sum of three embedding bags,
one for each place in the window, so a word is looked up once however often it occurs.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdcore.config import ModelConfig
from kdcore.data.pairs import PairTable
from kdcore.labels import LabelScheme
from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Encoded
from kdcore.models.heads import CumulativeLink, cosine_logits
from kdcore.models.packed import Packed
from kdcore.models.tokens.trigrams import Trigrams


class ConvTower(nn.Module):
    """One text -> one semantic vector."""

    def __init__(self, params: Any, vocabulary: int) -> None:
        super().__init__()
        self.filters = params.filters
        self.window = nn.EmbeddingBag(vocabulary, 3 * params.filters, mode="sum")
        self.bias = nn.Parameter(torch.zeros(params.filters))
        self.dropout = nn.Dropout(params.dropout)
        self.semantic = nn.Linear(params.filters, params.semantic)
        nn.init.normal_(self.window.weight, std=0.1)

    def forward(self, packed: Packed, bag: tuple[Tensor, Tensor]) -> Tensor:
        """(sequences, semantic)."""
        words = self.window(*bag)[packed.ids]  # (tokens, 3 * filters)
        sizes = [length * count for length, count in packed.groups]
        out = []
        for part, (length, count) in zip(torch.split(words, sizes), packed.groups, strict=True):
            left, middle, right = part.view(count, length, 3, self.filters).unbind(dim=2)
            # the word before, the word itself, the word after; nothing beyond the ends
            around = F.pad(left, (0, 0, 1, 0))[:, :-1] + F.pad(right, (0, 0, 0, 1))[:, 1:]
            out.append(torch.tanh(middle + around + self.bias).amax(dim=1))
        return torch.tanh(self.semantic(self.dropout(torch.cat(out))))


class Cdssm(PairModel):
    """Two convolutional towers and a cosine; features: the product of the unit vectors."""

    def __init__(self, config: ModelConfig, scheme: LabelScheme, units: Trigrams) -> None:
        super().__init__(config, scheme, units)
        towers = 1 if config.params.shared else 2
        self.towers = nn.ModuleList(ConvTower(config.params, len(units)) for _ in range(towers))
        self.crossing: nn.Module = CumulativeLink(len(scheme))

    @classmethod
    def learn_units(cls, config: ModelConfig, texts: Iterable[str]) -> Trigrams:
        """The most frequent letter trigrams."""
        params = config.params
        return Trigrams.train(texts, params.buckets, strip_accents=params.strip_accents)

    @classmethod
    def load_units(cls, config: ModelConfig, folder: Path) -> Trigrams:
        """The trigrams that save wrote."""
        return Trigrams.load(folder)

    def read(self, pairs: PairTable) -> Encoded:
        """Words as bags of trigrams, query and ad apart."""
        units = self.units.without_words()  # sums over words then depend on no other pairs
        tokens = self.tokens_of(pairs, units)
        return Encoded.of(*tokens, shared=self.config.params.shared, bags=units.bags())

    def vectors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """(pairs, semantic) query and ad vectors."""
        vectors = [
            tower(packed, bag)
            for tower, packed, bag in zip(self.towers, batch.packs, batch.bags, strict=True)
        ]
        return vectors[0][batch.query_rows], vectors[-1][batch.ad_rows]

    def pooled(self, batch: Batch) -> Tensor:
        """(pairs, semantic) the product of the unit vectors."""
        query, ad = self.vectors(batch)
        return F.normalize(query, dim=1) * F.normalize(ad, dim=1)

    def classify(self, features: Tensor) -> Tensor:
        """(pairs, grades) logits of the products, whose sum is the cosine."""
        return cosine_logits(self.crossing, features)

    @property
    def width(self) -> int:
        """The width of a tower's vector."""
        return int(self.config.params.semantic)

    def set_linear_head(self, head: nn.Linear) -> None:
        """Put it behind the product of the unit vectors."""
        self.crossing = head

    def calibrate(self, batch: Batch, shares: Tensor) -> None:
        """Set the cumulative-link head from a first batch."""
        if isinstance(self.crossing, CumulativeLink):
            self.crossing.calibrate(F.cosine_similarity(*self.vectors(batch), dim=1), shares)

    def embeddings(self) -> list[nn.Embedding | nn.EmbeddingBag]:
        """A table for each tower."""
        return [t.window for t in self.towers if isinstance(t, ConvTower)]


MODEL = Cdssm
