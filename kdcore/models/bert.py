"""CrossEncoder: BERT-n or any pretrained encoder that reads query and ad as one sequence."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification, BertModel

from kdcore.config import ModelConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError, DataError
from kdcore.labels import LabelScheme
from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Encoded
from kdcore.models.beside.assistant import WithAssistant
from kdcore.models.inside import look_inside
from kdcore.models.layers import copy_layers, narrow_layers
from kdcore.models.packed import Packed, embed, encode_first, is_packable, pad_packed
from kdcore.models.pretrained.encoder import load_kept, load_pretrained
from kdcore.models.pretrained.misfits import refuse_misfit, refuse_unanswering, unknown_notes
from kdcore.models.projections import keep_whole_maps, recorded
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.outputs import Outputs

INSIDE = frozenset({"cls_states", "hidden_states", "attentions", "projections"})


def bert_config(params: Any, vocabulary: int, positions: int, **more: Any) -> BertConfig:
    """The transformers config of an encoder from our knobs."""
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=params.hidden,
        num_hidden_layers=params.layers,
        num_attention_heads=params.heads,
        intermediate_size=params.inner or 4 * params.hidden,
        max_position_embeddings=positions,
        hidden_dropout_prob=params.dropout,
        attention_probs_dropout_prob=0.0,  # hidden dropout suffices, at a quarter of the time
        classifier_dropout=params.dropout,
        **more,
    )


class CrossEncoder(PairModel):
    """Reads `[CLS] query [SEP] title description [SEP]`; one logit a grade.

    With overlap marks a token type is 0 (query) or 1 (ad), plus 2 where the other text holds the
    token too.

    The network is transformers' own sequence classifier, so a saved folder loads with
    AutoModelForSequenceClassification. features: the pooled [CLS] vector.
    """

    def __init__(
        self, config: ModelConfig, scheme: LabelScheme, units: WordPiece, net: Any = None
    ) -> None:
        super().__init__(config, scheme, units)
        self.prefix, self.middle, self.suffix, self.ad_segment = _template(units.tokenizer)
        special = len(self.prefix + self.middle + self.suffix)
        self.net = _untrained(config.params, scheme, units, special) if net is None else net
        self.pads = not is_packable(self.encoder)
        self.reads_features = not self.pads

    @classmethod
    def learn_units(cls, config: ModelConfig, texts: Iterable[str]) -> WordPiece:
        """Word pieces of the data."""
        params = config.params
        return WordPiece.train(texts, params.vocabulary, strip_accents=params.strip_accents)

    @classmethod
    def new(cls, config: ModelConfig, scheme: LabelScheme, texts: Iterable[str]) -> Self:
        """Untrained BERT-n, or a pretrained encoder with an untrained classifier."""
        if config.name == "bert":
            return super().new(config, scheme, texts)
        model = cls.pretrained(config, scheme, texts)
        for module in model.net.modules():
            if isinstance(module, nn.Dropout):
                module.p = config.params.dropout
        if config.params.keep_layers or config.layers_from:
            narrow_layers(model.net, config.params.keep_layers, config.layers_from)
        return model

    @classmethod
    def starting_from(cls, config: ModelConfig, scheme: LabelScheme, source: PairModel) -> Self:
        """BERT-n that starts with another's tokenizer, embeddings, layers and classifier."""
        if config.name != "bert":
            return super().starting_from(config, scheme, source)
        model, origin = cls(config, scheme, layers_of(source).units), layers_of(source)
        copy_layers(origin.encoder, model.encoder, config.layers_from)
        theirs = getattr(origin.net, "classifier", None)  # a pretrained model has none
        if theirs is not None and theirs.weight.shape == model.net.classifier.weight.shape:
            model.net.classifier.load_state_dict(theirs.state_dict())
        return model

    @classmethod
    def pretrained(cls, config: ModelConfig, scheme: LabelScheme, texts: Iterable[str]) -> Self:
        """From a local folder or a hub id; only the pooler and the head may start untrained.

        texts: those that it will read; DataError when its tokenizer knows too few of their words.
        """
        source = config.checkpoint
        net, notes = load_pretrained(source, scheme)
        units = WordPiece.load(source)
        refuse_misfit(source, units, net.get_input_embeddings().num_embeddings)
        model = cls(config, scheme, units, net)
        model._refuse_too_long()
        refuse_unanswering(source, model)
        model.notes = (*notes, *unknown_notes(source, units, texts))
        return model

    @classmethod
    def load(cls, config: ModelConfig, scheme: LabelScheme, folder: Path) -> Self:
        """Load what save wrote: every weight must be there."""
        return cls(config, scheme, WordPiece.load(folder), load_kept(folder, len(scheme)))

    def _refuse_too_long(self) -> None:
        """Refuse pairs longer than the position table, which would end in an IndexError later."""
        params, room = self.config.params, self.positions - self.special
        if params.query_tokens + params.ad_tokens > room:
            raise ConfigError(
                "This model cannot be used:",
                [
                    f"params.ad_tokens: with query_tokens {params.query_tokens} this encoder has "
                    f"room for {room - params.query_tokens}, {params.ad_tokens} were requested"
                ],
            )

    @property
    def special(self) -> int:
        """How many special tokens a pair has."""
        return len(self.prefix + self.middle + self.suffix)

    @property
    def positions(self) -> int:
        """The longest pair that its position table holds, special tokens included."""
        first = getattr(getattr(self.encoder, "embeddings", None), "padding_idx", None)
        # RoBERTa's positions begin after the number of its padding
        before = 0 if first is None else first + 1
        return int(getattr(self.net.config, "max_position_embeddings", 10**9)) - before

    @property
    def encoder(self) -> Any:
        """The encoder without its classifier."""
        return self.net.base_model

    def read(self, pairs: PairTable) -> Encoded:
        """Query rows carry the prefix and the separator, ad rows the final separator."""
        texts, (queries, ads), uncut = self.tokens_of(pairs)
        return Encoded.of(
            texts,
            (queries.framed(self.prefix, self.middle), ads.framed((), self.suffix)),
            uncut,
            together=True,
            ad_segment=self.ad_segment,
            overlap=getattr(self.config.params, "overlap", False),
        )

    def forward(self, batch: Batch, wants: frozenset[str] = frozenset()) -> Outputs:
        """Outputs of a batch."""
        if self.pads:
            return self._padded(batch.packs[0], batch.query_rows, wants)
        if not wants & INSIDE:
            return super().forward(batch)
        inside = look_inside(self.encoder, batch.packs[0], batch.query_rows, self.products, wants)
        features = torch.tanh(self.encoder.pooler.dense(inside.first))
        return Outputs(
            self.classify(features),
            features,
            cls_states=inside.cls_states,
            hidden_states=inside.hidden_states,
            attentions=inside.attentions,
            projections=inside.projections,
            mask=inside.mask,
        )

    def pooled(self, batch: Batch) -> Tensor:
        """(pairs, width) what BERT's pooler makes of [CLS]."""
        packed = batch.packs[0]
        x = embed(self.encoder.embeddings, packed)
        first = encode_first(self.encoder.encoder, x, packed, self.products)
        return torch.tanh(self.encoder.pooler.dense(first))[batch.query_rows]

    def classify(self, features: Tensor) -> Tensor:
        """(pairs, grades) logits of BERT's pooled vectors."""
        logits: Tensor = self.net.classifier(self.net.dropout(features))
        return logits

    @property
    def width(self) -> int:
        """The width of the encoder."""
        return int(self.encoder.config.hidden_size)

    def set_linear_head(self, head: nn.Linear) -> None:
        """Put it in the place of BERT's own classifier."""
        self.net.classifier = head
        self.net.config.num_labels = self.net.num_labels = head.out_features

    def _padded(self, packed: Packed, rows: Tensor, wants: frozenset[str]) -> Outputs:
        pad_id = self.units.tokenizer.pad_token_id or 0
        ids, segments, mask = pad_packed(packed, pad_id)
        if "attentions" in wants and self.net.config._attn_implementation != "eager":
            self.net.set_attn_implementation("eager")  # the fused kernels keep no maps
        if "attentions" in wants and self.training:
            keep_whole_maps(self.encoder)
        inputs = {"input_ids": ids, "attention_mask": mask.long()}
        if getattr(self.net.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = segments
        with (
            torch.autocast(ids.device.type, self.products, self.products != torch.float32),
            recorded(self.encoder, "projections" in wants) as projections,
        ):
            out = self.net(
                **inputs, output_hidden_states=True, output_attentions="attentions" in wants
            )
        hidden = tuple(h[rows].float() for h in out.hidden_states)
        pools = isinstance(self.encoder, BertModel) and self.encoder.pooler is not None
        first = self.encoder.pooler(out.hidden_states[-1].float()) if pools else None
        return Outputs(
            logits=out.logits[rows].float(),
            features=hidden[-1][:, 0] if first is None else first[rows],
            cls_states=tuple(h[:, 0] for h in hidden) if "cls_states" in wants else (),
            hidden_states=hidden if "hidden_states" in wants else (),
            attentions=tuple(a[rows].float() for a in out.attentions or ()),
            projections=tuple(p[:, rows].float() for p in projections),
            mask=mask[rows],
        )

    def embeddings(self) -> list[nn.Embedding | nn.EmbeddingBag]:
        """The word table, where narrowing it is safe."""
        return [] if self.pads else [self.encoder.embeddings.word_embeddings]

    def network(self) -> nn.Module:
        """transformers' classifier."""
        return self.net  # type: ignore[no-any-return]

    def _save_network(self, folder: Path) -> None:
        self.net.config.id2label = dict(enumerate(self.scheme.grades))
        self.net.config.label2id = {g: i for i, g in enumerate(self.scheme.grades)}
        self.net.save_pretrained(folder)


def _untrained(
    params: Any, scheme: LabelScheme, units: WordPiece, special: int
) -> BertForSequenceClassification:
    positions = params.query_tokens + params.ad_tokens + special
    kinds = 4 if params.overlap else 2  # token types
    sizes = {"num_labels": len(scheme), "type_vocab_size": kinds}
    return BertForSequenceClassification(bert_config(params, len(units), positions, **sizes))


def layers_of(source: PairModel) -> CrossEncoder:
    """A model whose BERT layers another may start from; DataError when it has none.

    Of a student with an assistant, the student.
    """
    source = source.student if isinstance(source, WithAssistant) else source
    if not isinstance(source, CrossEncoder) or source.pads:
        raise DataError("start_from: only BERT-n and BERT checkpoints can hand on their layers")
    return source


def _template(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]:
    """Special ids before, between and after a pair, and the token type of its second text."""
    probe = tokenizer("a", "b", return_token_type_ids=True)
    ids, kinds = list(probe["input_ids"]), list(probe["token_type_ids"])
    # by text, not by kind of id: a vocabulary without these letters gives [UNK], which is special
    text = probe.sequence_ids(0)
    left, right = ([i for i, of in enumerate(text) if of == side] for side in (0, 1))
    if not left or not right or left[-1] + 1 == right[0]:
        raise DataError("this tokenizer does not keep two texts apart; choose a BERT-like encoder")
    return (
        tuple(ids[: left[0]]),
        tuple(ids[left[-1] + 1 : right[0]]),
        tuple(ids[right[-1] + 1 :]),
        int(kinds[right[0]]),
    )


MODEL = CrossEncoder
