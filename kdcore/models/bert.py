"""CrossEncoder: BERT-n or any pretrained encoder that reads query and ad as one sequence."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
)

from kdcore.batches import Batch, Encoded, Texts
from kdcore.config import ModelConfig
from kdcore.errors import DataError
from kdcore.labels import LabelScheme
from kdcore.models.base import PairModel
from kdcore.models.packed import Packed, embed, encode, is_packable, pad_packed
from kdcore.models.tokenizers import Ragged, WordPiece
from kdcore.outputs import Outputs
from kdcore.pairs import PairTable

INSIDE = frozenset({"hidden_states", "attentions"})


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

    The network is transformers' own sequence classifier, so a saved folder loads with
    AutoModelForSequenceClassification. features: the pooled [CLS] vector.
    """

    def __init__(
        self, config: ModelConfig, scheme: LabelScheme, units: WordPiece, net: Any
    ) -> None:
        super().__init__(config, scheme)
        self.units = units
        self.net = net
        self.prefix, self.middle, self.suffix, self.ad_segment = _template(units.tokenizer)
        self.pads = not is_packable(self.encoder)

    @classmethod
    def new(cls, config: ModelConfig, scheme: LabelScheme, units: WordPiece) -> "CrossEncoder":
        """Untrained BERT-n."""
        params = config.params
        positions = params.query_tokens + params.ad_tokens + 3
        bert = bert_config(params, len(units), positions, num_labels=len(scheme))
        return cls(config, scheme, units, BertForSequenceClassification(bert))

    @classmethod
    def pretrained(
        cls, config: ModelConfig, scheme: LabelScheme, source: str | Path
    ) -> "CrossEncoder":
        """From a local folder or a hub id: safetensors only, no remote code."""
        try:
            net = AutoModelForSequenceClassification.from_pretrained(
                str(source),
                num_labels=len(scheme),
                ignore_mismatched_sizes=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
        except (OSError, ValueError) as cause:
            raise DataError(
                f"{source} is no encoder that transformers can load "
                f"({str(cause).splitlines()[0]}); give a folder with config.json, "
                "model.safetensors and a tokenizer, or a hub id while the hub can be reached"
            ) from cause
        return cls(config, scheme, WordPiece.load(source), net)

    @property
    def encoder(self) -> Any:
        """The encoder without its classifier."""
        return self.net.base_model

    def read(self, pairs: PairTable) -> Encoded:
        """Query rows carry the prefix and the separator, ad rows the final separator."""
        texts, params = Texts.of(pairs), self.config.params
        queries = _framed(self.units, texts.queries, params.query_tokens, self.prefix, self.middle)
        ads = _framed(self.units, texts.ads, params.ad_tokens, (), self.suffix)
        return Encoded(
            tokens=queries.followed_by(ads),
            query_of=texts.query_of,
            ad_of=texts.ad_of + len(queries),
            together=True,
            ad_segment=self.ad_segment,
        )

    def forward(self, batch: Batch, wants: frozenset[str] = frozenset()) -> Outputs:
        """Outputs of a batch; hidden_states and attentions come from the plain, padded model."""
        packed = batch.packs[0]
        if self.pads or wants & INSIDE:
            return self._padded(packed, batch.query_rows, wants)
        x = encode(
            self.encoder.encoder,
            embed(self.encoder.embeddings, packed),
            packed.groups,
            self.products,
        )
        pooled = torch.tanh(self.encoder.pooler.dense(x[packed.starts]))
        pooled = pooled[batch.query_rows]
        return Outputs(self.net.classifier(self.net.dropout(pooled)), pooled)

    def _padded(self, packed: Packed, rows: Tensor, wants: frozenset[str]) -> Outputs:
        pad_id = self.units.tokenizer.pad_token_id or 0
        ids, segments, mask = pad_packed(packed, pad_id)
        if "attentions" in wants and self.net.config._attn_implementation != "eager":
            self.net.set_attn_implementation("eager")  # the fused kernels keep no maps
        inputs = {"input_ids": ids, "attention_mask": mask.long()}
        if getattr(self.net.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = segments
        with torch.autocast(ids.device.type, self.products, self.products != torch.float32):
            out = self.net(
                **inputs, output_hidden_states=True, output_attentions="attentions" in wants
            )
        hidden = tuple(h[rows].float() for h in out.hidden_states)
        first = self.encoder.pooler(out.hidden_states[-1].float()) if self._pools() else None
        return Outputs(
            logits=out.logits[rows].float(),
            features=hidden[-1][:, 0] if first is None else first[rows],
            hidden_states=hidden if "hidden_states" in wants else (),
            attentions=tuple(a[rows].float() for a in out.attentions or ()),
            mask=mask[rows],
        )

    def _pools(self) -> bool:
        return isinstance(self.encoder, BertModel) and self.encoder.pooler is not None

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


def _framed(
    units: WordPiece,
    texts: list[str],
    longest: int,
    before: tuple[int, ...],
    after: tuple[int, ...],
) -> Ragged:
    return units.encode(texts).capped(longest).framed(before, after)


def _template(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]:
    """Special ids before, between and after a pair, and the token type of its second text."""
    probe = tokenizer("a", "b", return_token_type_ids=True)
    ids, kinds = list(probe["input_ids"]), list(probe["token_type_ids"])
    special = np.array(tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True))
    real = np.flatnonzero(special == 0)
    cut = np.flatnonzero(np.diff(real) > 1)
    if len(cut) != 1:
        raise DataError("this tokenizer does not keep two texts apart; choose a BERT-like encoder")
    left, right = real[: cut[0] + 1], real[cut[0] + 1 :]
    return (
        tuple(ids[: left[0]]),
        tuple(ids[left[-1] + 1 : right[0]]),
        tuple(ids[right[-1] + 1 :]),
        int(kinds[right[0]]),
    )


def narrow_layers(net: Any, keep: int) -> None:
    """Keep `keep` layers of an encoder, evenly chosen, the last among them."""
    layers = _layer_list(net.base_model)
    if keep >= len(layers):
        return
    chosen = nn.ModuleList(layers[i] for i in even_layers(len(layers), keep))
    _replace_layers(net.base_model, chosen)
    net.config.num_hidden_layers = keep


def even_layers(teacher: int, student: int) -> list[int]:
    """0-based teacher layers for a student's: DistilBERT's [0, 2, 4, 7, 9, 11] for 6 of 12.

    Sanh et al. 2019 (arXiv:1910.01108), scripts/extract_distilbert.py.
    """
    if student >= teacher:
        return list(range(teacher))
    if student == 1:
        return [0]
    return [int(i * (teacher - 1) / (student - 1) + 0.5) for i in range(student)]


def _layer_list(encoder: Any) -> Any:
    for owner in (getattr(encoder, name, None) for name in ("encoder", "transformer")):
        for name in ("layer", "layers"):
            if isinstance(getattr(owner, name, None), nn.ModuleList):
                return getattr(owner, name)
    if isinstance(getattr(encoder, "layers", None), nn.ModuleList):
        return encoder.layers
    raise DataError(f"{type(encoder).__name__} shows no list of layers; set keep_layers to 0")


def _replace_layers(encoder: Any, chosen: nn.ModuleList) -> None:
    old = _layer_list(encoder)
    for module in encoder.modules():
        for name, child in module.named_children():
            if child is old:
                setattr(module, name, chosen)
                return


def copy_layers(source: Any, target: Any) -> list[int]:
    """Start a BertModel from another of the same width: embeddings, even layers, pooler.

    Returns the 0-based source layers. Raises DataError when widths or vocabularies differ.
    """
    a, b = source.config, target.config
    if (a.hidden_size, a.vocab_size, a.intermediate_size) != (
        b.hidden_size,
        b.vocab_size,
        b.intermediate_size,
    ):
        raise DataError(
            f"start_from: the model there is {a.hidden_size} wide with {a.vocab_size} tokens, this "
            f"one {b.hidden_size} wide with {b.vocab_size}; make hidden and inner the same"
        )
    table = source.embeddings.position_embeddings.weight.detach()
    rows = min(len(table), b.max_position_embeddings)
    mine, theirs = target.embeddings, source.embeddings
    mine.word_embeddings.load_state_dict(theirs.word_embeddings.state_dict())
    mine.token_type_embeddings.load_state_dict(theirs.token_type_embeddings.state_dict())
    mine.LayerNorm.load_state_dict(theirs.LayerNorm.state_dict())
    with torch.no_grad():
        mine.position_embeddings.weight[:rows] = table[:rows]
    chosen = even_layers(len(source.encoder.layer), len(target.encoder.layer))
    for layer, i in zip(target.encoder.layer, chosen, strict=False):
        layer.load_state_dict(source.encoder.layer[i].state_dict())
    if target.pooler is not None and source.pooler is not None:
        target.pooler.load_state_dict(source.pooler.state_dict())
    return chosen
