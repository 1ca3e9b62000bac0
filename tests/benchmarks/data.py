"""What every contender works on: the same pairs, the same tokens, the same targets.

The bundled world or, with --data, any folder that the library reads. Rows stay in memory.
"""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from kdcore.data.library import load_data
from kdcore.data.pairs import PairTable, make_frame
from kdcore.data.splits import with_test_split
from kdcore.data.world import world
from kdcore.labels import BINARY
from kdcore.models.tokens.wordpiece import SPECIAL, WordPiece

VOCABULARY = 30_522  # rows of the embedding table, as in the tutorial's BERT
QUERY_TOKENS, AD_TOKENS = 7, 22  # without [CLS] and [SEP]
PAD_QUERY, PAD_AD, PAD_PAIR = 9, 24, 32  # the tutorial's fixed lengths, with them
Tokens = list[list[int]]


@dataclass(frozen=True)
class Job:
    """The work: pairs (train, validation) of two grades, their tokenizer, a teacher's scores.

    taught: (train pairs,) P(relevant) as a cached teacher would say it.
    """

    pairs: PairTable
    units: WordPiece
    taught: NDArray[np.float32]
    batch: int
    threads: int

    @property
    def train(self) -> PairTable:
        """The pairs that are trained on and scored."""
        return self.pairs.split("train")

    def tokens(self) -> tuple[Tokens, Tokens]:
        """Ids of the query and of the ad of each training pair, cut, without special tokens."""
        frame = self.train.frame
        ads = (frame["title"] + " " + frame["description"]).str.strip()
        sides = ((frame["query"], QUERY_TOKENS), (ads, AD_TOKENS))
        query, ad = (self._cut(texts.tolist(), longest) for texts, longest in sides)
        return query, ad

    def about(self) -> dict[str, str]:
        """What the ratios depend on beside the machine."""
        query, ad = self.first(2000).tokens()
        means = (np.mean([len(ids) for ids in side]) for side in (query, ad))
        said = " + ".join(f"{mean:.1f}" for mean in means)
        return {"data": self.pairs.name, "tokens of query + ad": said, "batch": str(self.batch)}

    def _cut(self, texts: list[str], longest: int) -> Tokens:
        found = self.units.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return [ids[:longest] for ids in found]

    def first(self, pairs: int) -> "Job":
        """The same with so many training pairs."""
        train = np.flatnonzero((self.pairs.frame["split"] == "train").to_numpy())
        rest = np.flatnonzero((self.pairs.frame["split"] != "train").to_numpy())
        kept = self.pairs.take(np.concatenate([train[:pairs], rest]))
        return replace(self, pairs=kept, taught=self.taught[:pairs])


def prepare(data: str, ads: str, pairs: int, batch: int, threads: int) -> Job:
    """Load, keep two grades and, for ads="title", drop descriptions; learn the tokenizer."""
    table = _two_grades(load(data, pairs), ads, {"train": pairs, "validation": pairs // 10})
    train = table.split("train")
    texts = {t for c in ("query", "title", "description") for t in train.frame[c].unique()}
    rng = np.random.default_rng(0)
    logits = 3.0 * train.grades - 1.5 + rng.normal(0, 1.5, len(train))
    taught = (1 / (1 + np.exp(-logits))).astype(np.float32)
    units = _with_rows(WordPiece.train(texts, VOCABULARY), VOCABULARY)
    return Job(table, units, taught, batch, threads)


def load(data: str, pairs: int) -> PairTable:
    """The world with so many training pairs, or what lies at a path."""
    if data == "world":
        return world(train=pairs, validation=max(pairs // 10, 200), test=0)
    return with_test_split(load_data(Path(data)))


def world_seconds(pairs: int) -> float:
    """Seconds to make the bundled world with so many training pairs."""
    began = time.perf_counter()
    world(train=pairs, validation=0, test=0)
    return time.perf_counter() - began


def _two_grades(table: PairTable, ads: str, most: dict[str, int]) -> PairTable:
    parts = [table.split(split).limit(pairs).frame for split, pairs in most.items()]
    frame = pd.concat(parts, ignore_index=True)
    description = frame["description"].tolist() if ads == "full" else [""] * len(frame)
    texts = (frame["query"].tolist(), frame["title"].tolist(), description)
    grade = table.scheme.relevant(frame["grade"].to_numpy()).astype(np.int64)
    made = make_frame(*texts, grade, frame["split"].tolist())
    return PairTable(made, BINARY, table.name)


def _with_rows(units: WordPiece, rows: int) -> WordPiece:
    """The same tokenizer with unused pieces up to `rows`, as BERT's own vocabulary has."""
    state = json.loads(units.tokenizer.backend_tokenizer.to_str())
    pieces = state["model"]["vocab"]
    pieces |= {f"[unused{i}]": i for i in range(len(pieces), rows)}
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return WordPiece(
        PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer.from_str(json.dumps(state)),
            model_input_names=["input_ids", "token_type_ids", "attention_mask"],
            **dict(zip(names, SPECIAL, strict=True)),
        )
    )
