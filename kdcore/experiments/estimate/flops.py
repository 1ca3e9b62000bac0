"""What a model costs, as plain arithmetic: FLOPs per pair, weights, memory of a training.

Rough on purpose: it only transfers a measured speed to a model that was not measured. One FLOP
here is a multiply and an add together.
"""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

from kdcore.catalog import student_entry
from kdcore.config import ModelConfig, TrainingConfig
from kdcore.experiments.estimate.data_stats import Texts

PIECES = 1.3  # word pieces per word, about
TRIGRAMS = 7  # letter trigrams per word, about
FIXED = 2e5  # FLOPs per pair that every model spends outside its layers
ADAM = 6.0  # FLOPs per weight of an optimizer's step
BACKWARD = 3.0  # FLOPs of training per FLOP of scoring: forward, and backward twice that
_SHAPE_NAMES = (  # of BERT and most encoders, of DistilBERT
    ("num_hidden_layers", "n_layers"),
    ("hidden_size", "dim"),
    ("intermediate_size", "hidden_dim"),
    ("vocab_size",),
)
BERT_BASE = (12, 768, 3072, 30_522)  # layers, width, inner width, vocabulary: the usual shape


@dataclass(frozen=True)
class ModelCost:
    """What a model costs on texts of a certain length.

    forward: FLOPs per pair; weights: all that are learned; values: activations per pair that are
    kept for the backward pass. live_flops: FLOPs per pair of a teacher that runs at every step.
    """

    forward: float
    weights: float
    values: float
    live_flops: float = 0.0

    def training_flops(self, batch: int) -> float:
        """FLOPs per pair in training."""
        own = BACKWARD * (self.forward + FIXED) + ADAM * self.weights / max(batch, 1)
        return own + self.live_flops

    def with_live(self, teacher: "ModelCost") -> "ModelCost":
        """The cost where the teacher runs at every step, for what is inside its layers."""
        return replace(self, live_flops=teacher.forward + FIXED)

    def plus(self, other: "ModelCost") -> "ModelCost":
        """The cost of two models that both read every pair, such as a student and its assistant."""
        return replace(
            self,
            forward=self.forward + other.forward,
            weights=self.weights + other.weights,
            values=self.values + other.values,
        )

    @property
    def scoring_flops(self) -> float:
        """FLOPs per pair when pairs are only scored."""
        return self.forward + FIXED

    def memory_mb(self, batch: int, device: str) -> float:
        """Memory of a training: weights, gradients, two moments, activations, and the rest."""
        rest = 500 if device == "cpu" else 300
        return rest + (16 * self.weights + 4 * self.values * batch) / 1e6


def cost_on(model: ModelConfig, texts: Texts, training: TrainingConfig) -> ModelCost:
    """The cost of a model on the texts of a training."""
    queries = max(1 / training.ads_per_query, texts.queries_per_pair)
    return cost_of(model, texts.query_words, texts.ad_words, queries)


def cost_of(
    model: ModelConfig, query_words: float, ad_words: float, queries: float = 1.0
) -> ModelCost:
    """The cost of a model on texts of so many words.

    queries: queries encoded per pair; two towers encode a query once for all its ads.
    """
    if model.name == "cdssm":
        return _cdssm(model, query_words, ad_words, queries)
    layers, hidden, inner, vocabulary = _shape(model)
    params = model.params
    trigrams = getattr(params, "units", "") == "trigrams"
    per_word = 1.0 if trigrams else PIECES
    # a ready classifier cuts no text apart from its pair
    query = min(query_words * per_word, getattr(params, "query_tokens", math.inf))
    ad = min(ad_words * per_word, getattr(params, "ad_tokens", math.inf))
    apart = student_entry(model.name).separable
    tokens = ad + query * queries if apart else query + ad + 3
    longest = ad if apart else tokens
    block = 4 * hidden**2 + 2 * hidden * inner
    forward = tokens * layers * (block + 2 * longest * hidden)
    forward += tokens * hidden * TRIGRAMS if trigrams else 0
    towers = 1 if getattr(params, "shared", True) else 2
    weights = towers * (layers * block + vocabulary * hidden)
    if hasattr(params, "crossing"):
        wide = 2 * hidden if params.combine == "concat" else hidden
        forward, weights = (
            forward + 2 * wide * params.crossing,
            weights + 2 * wide * params.crossing,
        )
    values = tokens * layers * (8 * hidden + 2 * inner + 2 * longest)
    return ModelCost(forward, weights, values)


def word_head(model: ModelConfig, texts: Texts, share: float) -> ModelCost:
    """The cost of a logit for each word piece, for this share of a pair's tokens."""
    _, hidden, _, vocabulary = _shape(model)
    masked = share * PIECES * (texts.query_words + texts.ad_words)
    return ModelCost(masked * hidden * (hidden + vocabulary), hidden**2, 2 * masked * vocabulary)


def _cdssm(model: ModelConfig, query_words: float, ad_words: float, queries: float) -> ModelCost:
    params = model.params
    words = min(ad_words, params.ad_tokens) + min(query_words, params.query_tokens) * queries
    window = 3 * params.filters
    forward = words * window * (TRIGRAMS + 1) + 2 * params.filters * params.semantic
    towers = 1 if params.shared else 2
    weights = towers * (params.buckets * window + params.filters * params.semantic)
    return ModelCost(forward, weights, words * window * 3)


def _shape(model: ModelConfig) -> tuple[int, int, int, int]:
    params = model.params
    if model.checkpoint:
        layers, hidden, inner, vocabulary = _shape_in(Path(model.checkpoint) / "config.json")
        some = len(model.layers_from) or getattr(params, "keep_layers", 0)
        return some or layers, hidden, inner, vocabulary
    inner = params.inner or 4 * params.hidden
    return params.layers, params.hidden, inner, params.vocabulary


def _shape_in(file: Path) -> tuple[int, int, int, int]:
    """The shape in a pretrained encoder's config.json; that of BERT-base where it has none."""
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        layers, hidden, inner, vocabulary = (
            next(int(config[name]) for name in names if name in config) for names in _SHAPE_NAMES
        )
    except (OSError, ValueError, RuntimeError, TypeError):  # RuntimeError: a name is missing
        return BERT_BASE
    return layers, hidden, inner, vocabulary


def ratio(one: float, other: float) -> float:
    """How many times one is the other, at least 1, whichever is larger."""
    return math.exp(abs(math.log(max(one, 1e-9) / max(other, 1e-9))))
