"""What a model costs, as plain arithmetic: sums of a pair, weights, memory of a training.

Rough on purpose: it only carries a speed that was measured over to a model that was not. A sum is
a multiply and an add.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from kdcore.config import ModelConfig

PIECES = 1.3  # word pieces a word, about
TRIGRAMS = 7  # letter trigrams a word, about
FIXED = 2e5  # sums a pair that every model spends outside its layers
ADAM = 6.0  # sums a weight that an optimizer's step takes
BACKWARD = 3.0  # a training's sums for one of scoring: forward, and backward twice that
BERT_BASE = (12, 768, 3072, 30_522)  # layers, width, inner width, vocabulary: of an unknown one


@dataclass(frozen=True)
class Work:
    """forward: sums a pair; weights: all that are learned; values: kept a pair for the backward."""

    forward: float
    weights: float
    values: float

    def trained(self, batch: int) -> float:
        """Sums that one pair costs in training."""
        return BACKWARD * (self.forward + FIXED) + ADAM * self.weights / max(batch, 1)

    @property
    def scored(self) -> float:
        """Sums that one pair costs when it is only scored."""
        return self.forward + FIXED

    def memory_mb(self, batch: int, device: str) -> float:
        """Memory of a training: weights, gradients, two moments; what backward needs; the rest."""
        rest = 500 if device == "cpu" else 300
        return rest + (16 * self.weights + 4 * self.values * batch) / 1e6


def work_of(model: ModelConfig, query_words: float, ad_words: float, queries: float = 1.0) -> Work:
    """The work of a model on texts of so many words.

    queries: queries that are read for each pair; two towers read a query once for its ads.
    """
    if model.name == "cdssm":
        return _cdssm(model, query_words, ad_words, queries)
    layers, hidden, inner, vocabulary = _shape(model)
    params = model.params
    trigrams = getattr(params, "units", "") == "trigrams"
    per_word = 1.0 if trigrams else PIECES
    query = min(query_words * per_word, params.query_tokens)
    ad = min(ad_words * per_word, params.ad_tokens)
    apart = model.name.startswith("twinbert")
    tokens = ad + query * queries if apart else query + ad + 3
    longest = ad if apart else tokens
    block = 4 * hidden**2 + 2 * hidden * inner
    forward = tokens * layers * (block + 2 * longest * hidden)
    forward += tokens * hidden * TRIGRAMS if trigrams else 0
    towers = 1 if getattr(params, "shared", True) else 2
    weights = towers * (layers * block + vocabulary * hidden)
    if model.name == "twinbert_res":
        wide = 2 * hidden if params.combine == "concat" else hidden
        forward, weights = (
            forward + 2 * wide * params.crossing,
            weights + 2 * wide * params.crossing,
        )
    values = tokens * layers * (8 * hidden + 2 * inner + 2 * longest)
    return Work(forward, weights, values)


def _cdssm(model: ModelConfig, query_words: float, ad_words: float, queries: float) -> Work:
    params = model.params
    words = min(ad_words, params.ad_tokens) + min(query_words, params.query_tokens) * queries
    window = 3 * params.filters
    forward = words * window * (TRIGRAMS + 1) + 2 * params.filters * params.semantic
    towers = 1 if params.shared else 2
    weights = towers * (params.buckets * window + params.filters * params.semantic)
    return Work(forward, weights, words * window * 3)


def _shape(model: ModelConfig) -> tuple[int, int, int, int]:
    params = model.params
    if model.name == "checkpoint":
        layers, hidden, inner, vocabulary = _told_by(Path(model.checkpoint) / "config.json")
        return params.keep_layers or layers, hidden, inner, vocabulary
    inner = params.inner or 4 * params.hidden
    return params.layers, params.hidden, inner, params.vocabulary


def _told_by(card: Path) -> tuple[int, int, int, int]:
    """The shape that a pretrained encoder's own card tells; BERT-base where it tells none."""
    try:
        told = json.loads(card.read_text(encoding="utf-8"))
        names = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size")
        found = tuple(int(told[name]) for name in names)
    except (OSError, ValueError, KeyError, TypeError):
        return BERT_BASE
    return found[0], found[1], found[2], found[3]


def ratio(one: float, other: float) -> float:
    """How many times one is the other, at least 1, whichever is larger."""
    return math.exp(abs(math.log(max(one, 1e-9) / max(other, 1e-9))))
