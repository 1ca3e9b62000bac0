"""PairModel, the interface of every teacher and student: read pairs, score a batch, be saved."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from kdcore.config import ModelConfig, to_dict
from kdcore.data.check.cuts import Cut, cut_notes, cuts_of
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.labels import LabelScheme
from kdcore.models.batches import Batch, Encoded, Rows, Texts, make_batch
from kdcore.models.pretrained.encoder import refuse_non_numbers
from kdcore.models.tokens.wordpiece import Ragged
from kdcore.outputs import Outputs
from kdcore.predictions import WEIGHTS, Origin
from kdcore.workspace import MODEL_CARD

ASSISTANT = "assistant."  # before the names of an assistant's weights, in its student's file


class PairModel(nn.Module):
    """A model of query-ad pairs: tokenizer, network and head.

    A kind of model is one file in models/ that ends with `MODEL = TheClass` and one entry in
    catalog.STUDENTS that names the file. It must say how its tokenizer is learned and loaded
    (learn_units, load_units), how pairs are read (read) and scored (forward).

    `products` is the type of matrix products (fp32, or bf16 where the hardware has it). Each of the
    `notes` says in a sentence what of a checkpoint was not taken as it is. `head_is_trained`: it
    starts with the head of another model, which `calibrate` would overwrite.
    """

    pads = False  # whether its encoder pads a batch, so that similar lengths should meet
    reads_features = True  # whether `classify` makes its logits of its features

    def __init__(self, config: ModelConfig, scheme: LabelScheme, units: Any) -> None:
        super().__init__()
        self.config, self.scheme, self.units = config, scheme, units
        self.products = torch.float32
        self.notes: tuple[str, ...] = ()
        self.head_is_trained = False

    @classmethod
    def learn_units(cls, config: ModelConfig, texts: Iterable[str]) -> Any:
        """A tokenizer learned from texts."""
        raise TypeError(f"{cls.__name__} learns no tokenizer")

    @classmethod
    def load_units(cls, config: ModelConfig, folder: Path) -> Any:
        """The tokenizer that save wrote."""
        raise TypeError(f"{cls.__name__} loads no tokenizer")

    @classmethod
    def new(cls, config: ModelConfig, scheme: LabelScheme, texts: Iterable[str]) -> Self:
        """An untrained model whose tokenizer is learned from texts."""
        return cls(config, scheme, cls.learn_units(config, texts))

    @classmethod
    def load(cls, config: ModelConfig, scheme: LabelScheme, folder: Path) -> Self:
        """Load what save wrote; DataError when a weight is missing."""
        model = cls(config, scheme, cls.load_units(config, folder))
        model.load_weights(folder)
        return model

    @classmethod
    def starting_from(cls, config: ModelConfig, scheme: LabelScheme, source: "PairModel") -> Self:
        """Start with another's tokenizer and layers; DataError when they do not fit."""
        raise DataError(f"start_from: {config.name} has no BERT layers to start from")

    def read(self, pairs: PairTable) -> Encoded:
        """Tokenize, each distinct text once."""
        raise TypeError(f"{type(self).__name__} reads no pairs")

    def tokens_of(self, pairs: PairTable, units: Any = None) -> tuple[Texts, list[Ragged], Rows]:
        """The distinct texts, the ids of queries and of ads cut to their lengths, lengths uncut.

        units: the tokenizer; by default the model's.
        """
        texts, params, units = Texts.of(pairs), self.config.params, units or self.units
        whole = [units.encode(side) for side in (texts.queries, texts.ads)]
        longest = params.query_tokens, params.ad_tokens
        sides = [side.capped(most) for side, most in zip(whole, longest, strict=True)]
        return texts, sides, np.concatenate([side.lengths for side in whole])

    def batch(self, encoded: Encoded, rows: Rows) -> Batch:
        """Some of the pairs, ready for forward."""
        return make_batch(encoded, rows)

    def cuts(self, encoded: Encoded) -> tuple[Cut, ...]:
        """How many of the pairs' texts were cut to the lengths that this model reads."""
        if encoded.uncut is None:
            return ()
        queries, ads = encoded.uncut[encoded.query_of], encoded.uncut[encoded.ad_of]
        return cuts_of(queries, ads, self.config.params)

    def cut_notes(self, encoded: Encoded, where: str) -> tuple[str, ...]:
        """The cuts in sentences; where: the name of these pairs."""
        unit = "tokens" if encoded.bags is None else "words"
        return cut_notes(self.cuts(encoded), where, unit)

    def vectors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """(pairs, width) query and ad vectors of a model of two towers."""
        raise TypeError(f"{type(self).__name__} has no vectors of texts")

    def pooled(self, batch: Batch) -> Tensor:
        """(pairs, width) the vectors of the pairs, which the head reads."""
        raise TypeError(f"{type(self).__name__} has no vectors of pairs")

    def classify(self, features: Tensor) -> Tensor:
        """(pairs, grades) logits of pooled vectors."""
        raise TypeError(f"{type(self).__name__} scores no vectors")

    def forward(self, batch: Batch, wants: frozenset[str] = frozenset()) -> Outputs:
        """Outputs of a batch; `wants` may name what is inside (outputs.FIELDS)."""
        features = self.pooled(batch)
        return Outputs(self.classify(features), features)

    @property
    def width(self) -> int:
        """How many numbers a pooled vector has."""
        raise TypeError(f"{type(self).__name__} has no vectors of pairs")

    def set_linear_head(self, head: nn.Linear) -> None:
        """Read the pooled vector by a linear map instead of the head."""
        raise TypeError(f"{type(self).__name__} takes no other head")

    def embeddings(self) -> list[nn.Embedding | nn.EmbeddingBag]:
        """The tables with a row per token id; training may narrow them to the rows in use."""
        return []

    def calibrate(self, batch: Batch, shares: Tensor) -> None:
        """Set the head from a first batch and the (classes,) shares of grades, if it needs that."""

    @property
    def origin(self) -> Origin | None:
        """What its predictions are where they are no probabilities of grades; usually None."""
        return None

    def network(self) -> nn.Module:
        """The module whose weights are saved."""
        return self

    def save(self, folder: Path) -> None:
        """Write weights, tokenizer and card in the Hugging Face layout; safetensors only."""
        folder.mkdir(parents=True, exist_ok=True)
        self._save_network(folder)
        self.units.save(folder)
        (folder / MODEL_CARD).write_text(json.dumps(self.card(), indent=2), encoding="utf-8")

    def card(self) -> dict[str, Any]:
        """What a saved model says of itself."""
        return {"model": to_dict(self.config), "scheme": self.scheme.to_dict()}

    def _save_network(self, folder: Path) -> None:
        metadata = {"model_type": f"kdlab-{self.config.name}", **to_dict(self.config)}
        (folder / "config.json").write_text(json.dumps(metadata, indent=2), encoding="utf-8")
        weights = {name: t.contiguous() for name, t in self.network().state_dict().items()}
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})

    def load_weights(self, folder: Path, prefix: str = "") -> None:
        """Load the weights that save wrote; DataError when one is missing or is not a number.

        prefix: that of their names; without one, all but those of an assistant.
        """
        try:
            weights = load_file(folder / WEIGHTS)
            refuse_non_numbers(folder, weights)
            own = {
                name.removeprefix(prefix): tensor
                for name, tensor in weights.items()
                if name.startswith(prefix or ASSISTANT) == bool(prefix)
            }
            self.network().load_state_dict(own)
        except (OSError, RuntimeError, SafetensorError) as cause:
            raise DataError(
                f"{folder} holds no weights for this model ({cause}); finish its run first"
            ) from cause

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(p.numel() for p in self.parameters())
