"""TwinBERT: two transformer towers, a pooling layer and a crossing layer (arXiv:2002.06275)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BertModel

from kdcore.config import ModelConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.labels import LabelScheme
from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Encoded
from kdcore.models.bert import bert_config, layers_of
from kdcore.models.heads import Crossing, CumulativeLink, HalfCosine, cosine_logits
from kdcore.models.layers import copy_layers
from kdcore.models.packed import Packed, embed, encode, encode_first, pool
from kdcore.models.tokens.trigrams import Trigrams
from kdcore.models.tokens.wordpiece import WordPiece

Bag = tuple[Tensor, Tensor]


class Tower(nn.Module):
    """One text -> one vector: token vectors, transformer blocks, pooling."""

    def __init__(self, params: Any, vocabulary: int) -> None:
        super().__init__()
        positions = max(params.query_tokens, params.ad_tokens) + 2
        trigrams = params.units == "trigrams"
        rows = 1 if trigrams else vocabulary  # with trigrams the word table below serves instead
        self.bert = BertModel(bert_config(params, rows, positions), add_pooling_layer=False)
        self.trigrams = nn.EmbeddingBag(vocabulary, params.hidden, mode="sum") if trigrams else None
        self.weigh = nn.Linear(params.hidden, 1) if params.pooling == "weighted" else None
        self.pooling = params.pooling
        if self.trigrams is not None:
            nn.init.normal_(self.trigrams.weight, std=0.1)

    def forward(self, packed: Packed, bag: Bag | None, products: torch.dtype) -> Tensor:
        """(sequences, width), one vector per text."""
        x = self._embed(packed, bag)
        if self.pooling == "cls":
            return encode_first(self.bert.encoder, x, packed, products)
        x = encode(self.bert.encoder, x, packed.groups, products)
        weights = None if self.weigh is None else self.weigh(x)[:, 0]
        pooled: Tensor = pool(x, weights, packed)
        return pooled

    def table(self) -> nn.Embedding | nn.EmbeddingBag:
        """The table whose rows are token ids (or trigrams)."""
        words: nn.Embedding = self.bert.embeddings.word_embeddings
        return words if self.trigrams is None else self.trigrams

    def _embed(self, packed: Packed, bag: Bag | None) -> Tensor:
        if self.trigrams is None or bag is None:
            return embed(self.bert.embeddings, packed)
        # the author's module: sum of trigrams plus position, no layer norm, no dropout
        words: Tensor = self.trigrams(*bag)
        places: Tensor = self.bert.embeddings.position_embeddings(packed.positions)
        return words[packed.ids] + places


class TwoTowers(PairModel):
    """Query tower, ad tower, crossing; features: product of unit vectors, or the crossed vector.

    towers: one that both texts share, or two; each turns a text into a vector of `wide` numbers.
    """

    def __init__(
        self, config: ModelConfig, scheme: LabelScheme, units: Any, towers: nn.ModuleList, wide: int
    ) -> None:
        super().__init__(config, scheme, units)
        params, classes = config.params, len(scheme)
        self.towers, self.wide = towers, wide
        self.crossing: nn.Module
        if hasattr(params, "crossing"):
            self.crossing = Crossing(wide, params.crossing, classes, params.combine)
        else:
            self.crossing = (
                HalfCosine(classes) if params.head == "half_cosine" else CumulativeLink(classes)
            )

    def pooled(self, batch: Batch) -> Tensor:
        """(pairs, width) the product of unit vectors, or the crossed vector."""
        query, ad = self.vectors(batch)
        if isinstance(self.crossing, Crossing):
            return self.crossing.cross(query, ad)
        return F.normalize(query, dim=1) * F.normalize(ad, dim=1)

    def classify(self, features: Tensor) -> Tensor:
        """(pairs, grades) logits of the products, or of the crossed vectors."""
        if isinstance(self.crossing, Crossing):
            logits: Tensor = self.crossing.grades(features)
            return logits
        return cosine_logits(self.crossing, features)

    @property
    def width(self) -> int:
        """The width of a tower's vector, or of the crossed one."""
        return self.crossing.wide if isinstance(self.crossing, Crossing) else self.wide

    def set_linear_head(self, head: nn.Linear) -> None:
        """Put it behind the product of unit vectors, or behind the crossed vector."""
        if isinstance(self.crossing, Crossing):
            self.crossing.grades = head
        else:
            self.crossing = head

    def calibrate(self, batch: Batch, shares: Tensor) -> None:
        """Set the cumulative-link head from a first batch."""
        if isinstance(self.crossing, CumulativeLink):
            query, ad = self.vectors(batch)
            self.crossing.calibrate(F.cosine_similarity(query, ad, dim=1), shares)


class TwinBert(TwoTowers):
    """Two towers from a random start, or from the layers of another model."""

    def __init__(
        self, config: ModelConfig, scheme: LabelScheme, units: WordPiece | Trigrams
    ) -> None:
        params = config.params
        towers = nn.ModuleList(Tower(params, len(units)) for _ in range(1 if params.shared else 2))
        super().__init__(config, scheme, units, towers, params.hidden)

    @classmethod
    def learn_units(cls, config: ModelConfig, texts: Iterable[str]) -> WordPiece | Trigrams:
        """Word pieces or letter trigrams, by the knob `units`."""
        params = config.params
        kind = Trigrams if params.units == "trigrams" else WordPiece
        return kind.train(texts, params.vocabulary, strip_accents=params.strip_accents)

    @classmethod
    def load_units(cls, config: ModelConfig, folder: Path) -> WordPiece | Trigrams:
        """The tokenizer that save wrote."""
        kind = Trigrams if config.params.units == "trigrams" else WordPiece
        return kind.load(folder)

    @classmethod
    def starting_from(cls, config: ModelConfig, scheme: LabelScheme, source: PairModel) -> Self:
        """Both towers start with a cross-encoder's tokenizer, embeddings and layers."""
        if config.params.units == "trigrams":
            raise DataError(
                "start_from: a start from layers takes their word pieces; choose wordpiece for "
                "params.units"
            )
        model = cls(config, scheme, layers_of(source).units)
        for tower in model.towers:
            copy_layers(layers_of(source).encoder, tower.bert, config.layers_from)
        return model

    def read(self, pairs: PairTable) -> Encoded:
        """Query and ad apart; [CLS] and [SEP] only where [CLS] is what is pooled."""
        params = self.config.params
        units = self.units if isinstance(self.units, WordPiece) else self.units.without_words()
        texts, sides, uncut = self.tokens_of(pairs, units)
        if isinstance(units, WordPiece):
            cls, sep = units.cls, units.sep
            sides = [
                s.framed((cls,), (sep,)) if params.pooling == "cls" else s.filled(sep)
                for s in sides
            ]
        bags = units.bags() if isinstance(units, Trigrams) else None
        return Encoded.of(texts, sides, uncut, shared=params.shared, bags=bags)

    def vectors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """(pairs, width) query and ad vectors; each distinct text is encoded once."""
        bags = batch.bags or (None,) * len(batch.packs)
        vectors = [
            tower(packed, bag, self.products)
            for tower, packed, bag in zip(self.towers, batch.packs, bags, strict=True)
        ]
        return vectors[0][batch.query_rows], vectors[-1][batch.ad_rows]

    def embeddings(self) -> list[nn.Embedding | nn.EmbeddingBag]:
        """A table for each tower."""
        return [tower.table() for tower in self.towers if isinstance(tower, Tower)]


MODEL = TwinBert
