"""PretrainedReader: a BERT with BERT's own two heads: which word is hidden, which ad was shown.

Its folder is one of transformers (BertForPreTraining): AutoModelForMaskedLM opens it, and a run or
a model of the lab can start from it. It gives no grades.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import BertForPreTraining

from kdcore.config import ModelConfig
from kdcore.errors import DataError
from kdcore.labels import LabelScheme
from kdcore.models.base import PairModel
from kdcore.models.batches import Batch
from kdcore.models.bert import CrossEncoder
from kdcore.models.packed import embed, encode_some
from kdcore.models.tokens.wordpiece import WordPiece


@dataclass(frozen=True, kw_only=True)
class PretrainingBatch(Batch):
    """Pairs with hidden words, and what a model has to find out.

    places: (hidden,) places of the hidden tokens in the pack; words: (hidden,) their true ids.
    foreign: (pairs,) 1 where the ad is one of another query, in the order of the pack.
    """

    places: Tensor
    words: Tensor
    foreign: Tensor

    def to(self, device: torch.device) -> "PretrainingBatch":
        """The same on a device."""
        if device.type == "cpu":
            return self
        moved = super().to(device)
        return PretrainingBatch(
            moved.packs,
            moved.query_rows,
            moved.ad_rows,
            places=self.places.to(device, non_blocking=True),
            words=self.words.to(device, non_blocking=True),
            foreign=self.foreign.to(device, non_blocking=True),
        )


class PretrainedReader(CrossEncoder):
    """Reads pairs as its CrossEncoder does, and answers a PretrainingBatch, not grades."""

    @classmethod
    def of(cls, source: PairModel) -> Self:
        """A BERT's embeddings and layers below new heads; DataError where it is no BERT."""
        if not isinstance(source, CrossEncoder) or source.pads:
            raise DataError(
                "only a BERT can be pretrained here, and this encoder computes otherwise; choose "
                "bert_teacher, another size of bert, or the folder of a BERT"
            )
        if source.units.tokenizer.mask_token_id is None:
            raise DataError("its tokenizer has no [MASK] to hide a word with; choose another BERT")
        net = BertForPreTraining(source.encoder.config)
        net.bert.load_state_dict(source.encoder.state_dict())
        model = cls(source.config, source.scheme, source.units, net)
        model.notes = source.notes
        return model

    @classmethod
    def load(cls, config: ModelConfig, scheme: LabelScheme, folder: Path) -> Self:
        """Load what save wrote; DataError when a weight is missing."""
        try:
            net, loading = BertForPreTraining.from_pretrained(
                folder,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as cause:
            raise DataError(
                f"{folder} holds no pretrained model ({cause}); finish its run first"
            ) from cause
        if lost := sorted(loading["missing_keys"]):
            raise DataError(f"{folder} lacks the weight {lost[0]}; pretrain it again")
        return cls(config, scheme, WordPiece.load(folder), net)

    @classmethod
    def new(cls, config: ModelConfig, scheme: LabelScheme, texts: Iterable[str]) -> Self:
        """An untrained one, with a tokenizer of the texts."""
        return cls.of(CrossEncoder.new(config, scheme, texts))

    def pretraining_logits(self, batch: PretrainingBatch) -> tuple[Tensor, Tensor]:
        """(hidden, vocabulary) logits of the hidden words, and (pairs, 2) of the next ad.

        The costly part, a logit for each word piece, is computed for hidden words only. The part of
        the last block after its attention is computed for them and each first token only.
        """
        packed, heads = batch.packs[0], self.net.cls
        tokens = torch.cat([packed.starts, batch.places])
        x = embed(self.encoder.embeddings, packed)
        states = encode_some(self.encoder.encoder, x, packed.groups, tokens, self.products)
        first, hidden = states[: len(packed.starts)], states[len(packed.starts) :]
        decoder, dtype = heads.predictions.decoder, self.products
        words = heads.predictions.transform(hidden).to(dtype)
        logits = F.linear(words, decoder.weight.to(dtype), decoder.bias.to(dtype)).float()
        pooled = torch.tanh(self.encoder.pooler.dense(first))
        return logits, heads.seq_relationship(pooled)

    def embeddings(self) -> list[nn.Embedding | nn.EmbeddingBag]:
        """None that could be narrowed: any word may be hidden."""
        return []

    def _save_network(self, folder: Path) -> None:
        self.net.save_pretrained(folder)  # as a classifier's, but for the names of the grades
