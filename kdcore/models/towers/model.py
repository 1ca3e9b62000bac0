"""PretrainedTowers: two towers that start from a pretrained encoder of a folder or a hub id."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
from torch import Tensor, nn

from kdcore.config import ModelConfig
from kdcore.config.assistant import MOST_FRAMING
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError
from kdcore.labels import LabelScheme
from kdcore.models.batches import Batch, Encoded, Texts
from kdcore.models.layers import narrow_layers
from kdcore.models.pretrained.encoder import described_encoder, load_encoder
from kdcore.models.pretrained.misfits import refuse_misfit, refuse_unanswering, unknown_notes
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.models.towers.reading import Reading, load_reading, read_source
from kdcore.models.towers.tower import PretrainedTower, first_position
from kdcore.models.twinbert import TwoTowers

ENCODER = "encoder"  # the folder in a saved model that holds transformers' config of the encoder


class PretrainedTowers(TwoTowers):
    """Both towers start as the encoder of a folder, with its tokenizer, pooling and prompts.

    A text is read as sentence-transformers reads it: prompt, special tokens, and the same vector.
    reading: how the folder makes a vector, the knobs included.
    """

    def __init__(
        self, config: ModelConfig, scheme: LabelScheme, units: WordPiece, towers: nn.ModuleList
    ) -> None:
        first: Any = towers[0]
        super().__init__(config, scheme, units, towers, first.width)
        self.reading: Reading = first.reading
        self.pads = first.pads
        self.prefix, self.suffix = units.frame()
        self.prompts = tuple(
            len(units.encode([text]).flat)
            for text in (self.reading.query_prompt, self.reading.ad_prompt)
        )

    @classmethod
    def new(cls, config: ModelConfig, scheme: LabelScheme, texts: Iterable[str]) -> Self:
        """The encoder's own weights in every tower, and an untrained head."""
        params, name = config.params, config.checkpoint
        source = read_source(name, params)
        encoder, notes = load_encoder(name, source.place)
        units = WordPiece.load(source.place)
        if units.tokenizer.pad_token is None:  # masked wherever it stands, so any will do
            units.tokenizer.pad_token = units.tokenizer.sep_token
            notes = (*notes, f"{name}: its tokenizer has no padding token; its separator pads")
        refuse_misfit(name, units, encoder.get_input_embeddings().num_embeddings)
        if params.keep_layers or config.layers_from:
            narrow_layers(encoder, params.keep_layers, config.layers_from)
        tower = PretrainedTower(encoder, source.reading)
        if tower.dense is not None and source.dense is not None:
            tower.dense.load_state_dict(dict(source.dense))
        for module in tower.modules():
            if isinstance(module, nn.Dropout):
                module.p = params.dropout
        model = cls(config, scheme, units, _towers(tower, params.shared))
        model._refuse_too_long()
        refuse_unanswering(name, model, model._two_vectors)
        model.notes = (*notes, *unknown_notes(name, units, texts), f"{name}: {model._how()}")
        return model

    @classmethod
    def load(cls, config: ModelConfig, scheme: LabelScheme, folder: Path) -> Self:
        """Load what save wrote; DataError when a weight is missing."""
        encoder = described_encoder(folder / ENCODER)
        tower = PretrainedTower(encoder, load_reading(folder))
        towers = _towers(tower, config.params.shared)
        model = cls(config, scheme, WordPiece.load(folder), towers)
        model.load_weights(folder)
        return model

    def card(self) -> dict[str, Any]:
        """What a saved model says of itself, how it reads a text included."""
        return super().card() | {"reading": asdict(self.reading)}

    def read(self, pairs: PairTable) -> Encoded:
        """Query and ad apart, each with its prompt and the special tokens around it."""
        texts, params, reading = Texts.of(pairs), self.config.params, self.reading
        sides, uncut = [], []
        for side, prompt, extra, most in zip(
            (texts.queries, texts.ads),
            (reading.query_prompt, reading.ad_prompt),
            self.prompts,
            (params.query_tokens, params.ad_tokens),
            strict=True,
        ):
            ids = self.units.encode([prompt + text for text in side])
            uncut.append(np.maximum(ids.lengths - extra, 0))
            sides.append(ids.capped(most + extra).framed(self.prefix, self.suffix))
        return Encoded.of(texts, sides, np.concatenate(uncut), shared=params.shared)

    def vectors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """(pairs, width) query and ad vectors; each distinct text is encoded once."""
        vectors = [
            tower(packed, self.products)
            for tower, packed in zip(self.towers, batch.packs, strict=True)
        ]
        return vectors[0][batch.query_rows], vectors[-1][batch.ad_rows]

    def embeddings(self) -> list[nn.Embedding | nn.EmbeddingBag]:
        """The word tables, where narrowing them is safe."""
        towers = [tower for tower in self.towers if isinstance(tower, PretrainedTower)]
        return [table for tower in towers if (table := tower.table()) is not None]

    def _save_network(self, folder: Path) -> None:
        super()._save_network(folder)
        tower: Any = self.towers[0]
        tower.encoder.config.save_pretrained(folder / ENCODER)

    def _two_vectors(self, batch: Batch) -> Tensor:
        """(pairs, width) vectors of the ads."""
        return self.vectors(batch)[1]

    def _refuse_too_long(self) -> None:
        """Refuse texts longer than the encoder reads, by its positions or by its own settings."""
        params, special = self.config.params, len(self.prefix + self.suffix)
        tower: Any = self.towers[0]
        limits = [self.reading.longest or 10**9]
        positions = getattr(tower.encoder.config, "max_position_embeddings", None)
        if positions:
            limits.append(positions - first_position(tower.encoder))
        problems = [
            f"params.{name}: this encoder has room for {min(limits) - special - extra}, "
            f"{getattr(params, name)} were requested; choose fewer"
            for name, extra in zip(("query_tokens", "ad_tokens"), self.prompts, strict=True)
            if getattr(params, name) + extra + special > min(limits)
        ]
        problems += [
            f"params.{name}: it is {extra} tokens long, and at most {MOST_FRAMING - special} can "
            "be read; shorten it"
            for name, extra in zip(("query_prompt", "ad_prompt"), self.prompts, strict=True)
            if extra + special > MOST_FRAMING
        ]
        if problems:
            raise ConfigError("This model cannot be used:", problems)

    def _how(self) -> str:
        """How a text becomes a vector, in a sentence."""
        reading = self.reading
        how = {"cls": "its first token", "last": "its last token"}
        parts = [
            f"a text's vector is {how.get(reading.pooling, f'the {reading.pooling} of its tokens')}"
        ]
        parts += [f"through its dense layer of {reading.dense}"] if reading.dense else []
        parts += ["at unit length"] if reading.normalize else []
        for side, prompt in (("queries", reading.query_prompt), ("ads", reading.ad_prompt)):
            parts += [f"{prompt!r} before {side}"] if prompt else []
        if self.pads:
            parts.append("computed by transformers with padding, slower than packed")
        return ", ".join(parts)


def _towers(tower: PretrainedTower, shared: bool) -> nn.ModuleList:
    return nn.ModuleList([tower] if shared else [tower, deepcopy(tower)])


MODEL = PretrainedTowers
