"""Ready: a classifier or reranker that another tool trained, with its own head, as a teacher."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from kdcore.catalog import ReadyParams
from kdcore.config import ModelConfig
from kdcore.data.check.cuts import Cut
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError, DataError
from kdcore.knobs import build, plain
from kdcore.labels import LabelScheme
from kdcore.models.batches import Encoded, Rows
from kdcore.models.bert import CrossEncoder
from kdcore.models.heads import CumulativeLink
from kdcore.models.packed import Packed
from kdcore.models.pretrained.companions import Companions
from kdcore.models.pretrained.encoder import load_classifier, load_kept
from kdcore.models.pretrained.head import HeadPlan, rescale_head
from kdcore.models.pretrained.misfits import refuse_misfit, refuse_unanswering, unknown_notes
from kdcore.models.tokens.wordpiece import Ragged, WordPiece
from kdcore.outputs import Outputs
from kdcore.predictions import READING, Origin

_LONGEST = 65_536  # tokens of a pair where no file says a number


class Ready(CrossEncoder):
    """Reads a pair as sentence-transformers' CrossEncoder does: one length for both texts.

    link: turns its one number into more than two grades; None where its head gives the grades.
    kind: what its numbers are when they are no probabilities of grades, a kind of Origin; "" when
    they are.
    """

    def __init__(
        self,
        config: ModelConfig,
        scheme: LabelScheme,
        units: WordPiece,
        net: Any,
        link: CumulativeLink | None = None,
        kind: str = "",
    ) -> None:
        super().__init__(config, scheme, units, net)
        self.link, self.kind = link, kind

    @classmethod
    def new(cls, config: ModelConfig, scheme: LabelScheme, texts: Iterable[str]) -> Self:
        """Load a folder or a hub id with its head unchanged; DataError when anything does not fit.

        texts: those that it will read.
        """
        source, params = config.checkpoint, config.params
        companions = Companions.of(source)
        net, plan, notes = load_classifier(source, companions.place, scheme, params.labels)
        units = WordPiece.load(companions.place)
        refuse_misfit(source, units, net.get_input_embeddings().num_embeddings)
        link = CumulativeLink(len(scheme)) if plan.one_logit and len(scheme) > 2 else None
        if link is not None:
            link.space_evenly(scheme.relevant_from)
        model = cls(config, scheme, units, net, link)
        model.config = replace(config, params=model._settled(params, companions))
        refuse_unanswering(source, model)
        model.kind = _kind(plan, scheme, model.config.params)
        sentences = (*notes, *model._understood(plan, companions))
        unknown = unknown_notes(source, units, texts)
        model.notes = (*(f"{source}: {note}" for note in sentences), *unknown)
        return model

    @classmethod
    def load(cls, config: ModelConfig, scheme: LabelScheme, folder: Path) -> Self:
        """Load what save wrote."""
        try:
            stored = json.loads((folder / READING).read_text(encoding="utf-8"))
            config = replace(config, params=build(ReadyParams, stored["params"]))
            link = None
            if stored["link"] is not None:
                link = CumulativeLink(len(scheme))
                link.load_state_dict({k: torch.tensor(v) for k, v in stored["link"].items()})
            kind = str(stored["kind"])
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as cause:
            raise DataError(
                f"{folder} does not say how its classifier reads a pair ({cause}); teach it again"
            ) from cause
        net = load_kept(folder, 1 if link else len(scheme))
        return cls(config, scheme, WordPiece.load(folder), net, link, kind)

    def _settled(self, params: ReadyParams, companions: Companions) -> ReadyParams:
        """The knobs with all that the files say; ConfigError when a pair may not be so long."""
        own = [self.positions, companions.longest, self.units.tokenizer.model_max_length]
        most = min(length for length in (*own, _LONGEST) if length > 0)
        problems = []
        if params.pair_tokens > self.positions:
            problems.append(
                f"params.pair_tokens: {params.pair_tokens} is more than the {self.positions:,} "
                f"tokens that this model has positions for; its files say {most}"
            )
        query = params.query_text or f"{companions.prompt}{{query}}"
        for name, text, parts in (
            ("query_text", query, ("{query}",)),
            ("ad_text", params.ad_text, ("{title}",)),
        ):
            problems += [
                f"params.{name}: {text!r} has no {p}; add it" for p in parts if p not in text
            ]
        longest = params.pair_tokens or most
        if longest < self.special + 2:
            problems.append(
                f"params.pair_tokens: {longest} leaves no room for two texts; choose more"
            )
        if problems:
            raise ConfigError("This model cannot be used:", problems)
        activation = params.activation
        if activation == "auto":  # sentence-transformers takes Sigmoid where no file says it
            activation = "identity" if companions.activation == "identity" else "sigmoid"
        return replace(
            params,
            pair_tokens=longest,
            query_text=query,
            lowercase=params.lowercase or companions.lowercase,
            activation=activation,
        )

    def _understood(self, plan: HeadPlan, companions: Companions) -> tuple[str, ...]:
        """Say how its head and its texts are read, a sentence each."""
        params, head = self.config.params, plan.note
        if plan.one_logit and params.activation == "identity":
            head += ", but as a free score, since its activation is Identity"
        elif plan.one_logit:
            named = companions.activation == "sigmoid"
            head += " (its activation is Sigmoid" + ("" if named else ", as no file names it") + ")"
        texts = f"pairs are read as {params.query_text!r} and {params.ad_text!r}"
        cut = f"cut at {params.pair_tokens:,} tokens in all, the longer text first"
        return head, f"{texts}, {cut}"

    def read(self, pairs: PairTable) -> Encoded:
        """Tokenize; each distinct text once, cut as its partner in the pair leaves room for it."""
        query_of, ad_of, texts = self._texts(pairs)
        whole = [self.units.encode(side) for side in texts]
        lengths = whole[0].lengths[query_of], whole[1].lengths[ad_of]
        room = self.config.params.pair_tokens - self.special
        from_left = self.units.tokenizer.truncation_side == "left"
        sides, rows, uncut = [], [], []
        lengths_of = longest_first(*lengths, room)
        for side, of, length in zip(whole, (query_of, ad_of), lengths_of, strict=True):
            distinct, row = np.unique(np.stack([of, length]), axis=1, return_inverse=True)
            sides.append(_cut(side, distinct[0], distinct[1], from_left))
            rows.append(row.ravel())
            uncut.append(side.lengths[distinct[0]])
        tokens = Ragged.joined(
            [sides[0].framed(self.prefix, self.middle), sides[1].framed((), self.suffix)]
        )
        return Encoded(
            tokens,
            rows[0],
            rows[1] + len(sides[0]),
            together=True,
            ad_segment=self.ad_segment,
            uncut=np.concatenate(uncut),
        )

    def _texts(self, pairs: PairTable) -> tuple[Rows, Rows, tuple[list[str], list[str]]]:
        """The row of each pair's first and second text, and the distinct texts."""
        rows = pairs.frame[["query", "title", "description"]].itertuples(index=False)
        queries, ads = zip(*(self.joined(*row) for row in rows), strict=True)
        query_of, first = pd.factorize(np.array(queries, dtype=object))
        ad_of, second = pd.factorize(np.array(ads, dtype=object))
        return query_of.astype(np.int64), ad_of.astype(np.int64), (list(first), list(second))

    def joined(self, query: str, title: str, description: str) -> tuple[str, str]:
        """The two texts that its tokenizer is given for a pair."""
        params = self.config.params
        first = params.query_text.replace("{query}", query)
        second = params.ad_text.replace("{title}", title).replace("{description}", description)
        texts = first, second.strip()
        return (texts[0].lower(), texts[1].lower()) if params.lowercase else texts

    def cuts(self, encoded: Encoded) -> tuple[Cut, ...]:
        """How many pairs are longer than this model reads."""
        assert encoded.uncut is not None
        lengths = encoded.uncut[encoded.query_of] + encoded.uncut[encoded.ad_of] + self.special
        return (Cut.of("pair", lengths, self.config.params.pair_tokens, self.positions),)

    def classify(self, features: Tensor) -> Tensor:
        """(pairs, grades) logits of BERT's pooled vectors."""
        return self._graded(super().classify(features))

    def _padded(self, packed: Packed, rows: Tensor, wants: frozenset[str]) -> Outputs:
        outputs = super()._padded(packed, rows, wants)
        return replace(outputs, logits=self._graded(outputs.logits))

    def _graded(self, logits: Tensor) -> Tensor:
        return logits if self.link is None else self.link(logits[:, 0])

    def rescale(self, scale: float, shift: Iterable[float]) -> None:
        """Let the logits of its head be scale · logits + shift, once and for all."""
        rescale_head(self.net, scale, list(shift))

    @property
    def origin(self) -> Origin | None:
        """What its predictions are when they are no probabilities of grades."""
        return Origin(self.kind, "teacher") if self.kind else None

    def _save_network(self, folder: Path) -> None:
        if self.link is None:
            super()._save_network(folder)
        else:
            self.net.save_pretrained(folder)
        reading = {"params": plain(self.config.params), "kind": self.kind, "link": None}
        if self.link is not None:
            reading["link"] = {k: v.tolist() for k, v in self.link.state_dict().items()}
        (folder / READING).write_text(json.dumps(reading, indent=2), encoding="utf-8")


def longest_first(one: Rows, other: Rows, room: int) -> tuple[Rows, Rows]:
    """(pairs,) tokens that each text of a pair keeps, by the rule of the tokenizers library.

    The longer text is cut, until both are equally long; then each gets half of `room`, and the
    longer one the odd token.
    """
    short, long = np.minimum(one, other), np.maximum(one, other)
    long = np.where(short > room, short, np.maximum(short, room - short))
    both = short + long > room
    short, long = np.where(both, room // 2, short), np.where(both, room - room // 2, long)
    fits = one + other <= room
    swapped = one > other
    first = np.where(fits, one, np.where(swapped, long, short))
    second = np.where(fits, other, np.where(swapped, short, long))
    return first, second


def _kind(plan: HeadPlan, scheme: LabelScheme, params: ReadyParams) -> str:
    """The kind of Origin of its numbers before any calibration."""
    if not plan.one_logit or (len(scheme) == 2 and params.activation == "sigmoid"):
        return ""
    return "logit" if params.activation == "sigmoid" else "score"


def _cut(texts: Ragged, rows: Rows, lengths: Rows, from_left: bool) -> Ragged:
    """Some rows, each cut to as many ids; from_left: the first ids are cut off, not the last."""
    starts = texts.offsets[rows] + (texts.lengths[rows] - lengths if from_left else 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    index = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return Ragged(texts.flat[index], offsets)


MODEL = Ready
