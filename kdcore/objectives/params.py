"""The knobs of every method, as plain data that imports without torch.

`needs` names the fields of Outputs that a method reads, where its knobs decide that.
"""

from dataclasses import dataclass
from typing import Any

from kdcore.knobs import choice, knob, switch, text

_LAYERS = (
    "which teacher layer each student layer learns: skip (evenly), last, first, middle (one pair), "
    "or a list such as 2 4 6 or 1:2 3:6"
)


@dataclass(frozen=True, kw_only=True)
class ResponseParams:
    """Knobs of response distillation; a knob that a loss does not name does nothing for it."""

    loss: str = choice(
        "kl",
        "kl: T² KL of soft labels; ce: cross-entropy on soft labels; mse_logits: squared error of "
        "centered logits; mse_probabilities: squared error of relevance, the KDD 2022 tutorial's; "
        "for three grades and more: standardized: KL of logits of mean 0 and deviation 1; "
        "decoupled: the labelled grade apart from the others; dist: correlation",
        options=(
            "kl",
            "ce",
            "mse_logits",
            "mse_probabilities",
            "standardized",
            "decoupled",
            "dist",
        ),
    )
    temperature: float = knob(
        2.0, "1 keeps the soft labels as they are; more flattens them", low=0.25, high=100
    )
    teacher_temperature: float = knob(
        0.0, "kl, ce: the teacher's own temperature; 0 takes the student's", low=0, high=100
    )
    target_weight: float = knob(
        1.0, "decoupled: weight of the labelled grade against the others", low=0, high=100
    )
    other_weight: float = knob(
        8.0, "decoupled: weight of how the other grades share the rest", low=0, high=100
    )
    between_weight: float = knob(
        1.0, "dist: weight of the correlation over the grades of a pair", low=0, high=100
    )
    within_weight: float = knob(
        1.0, "dist: weight of the correlation over the pairs of a batch", low=0, high=100
    )

    @property
    def short(self) -> str:
        """The loss as a title says it: T 4; MSE of logits; decoupled T 4."""
        if self.loss.startswith("mse_"):
            return f"MSE of {self.loss.removeprefix('mse_')}"
        at = f"T {self.temperature:g}"
        return at if self.loss in ("kl", "ce") else f"{self.loss} {at}"


@dataclass(frozen=True, kw_only=True)
class FeatureParams:
    """Knobs of feature distillation."""

    loss: str = choice(
        "l2",
        "l2 and l1: squared and absolute difference; cosine: direction alone; hint: FitNets' half "
        "squared distance; cross_entropy: of softmaxed vectors (ours)",
        options=("l2", "l1", "cosine", "hint", "cross_entropy"),
    )
    on: str = choice(
        "pooled",
        "what is compared: the pooled vector of the pair, every token, or [CLS] of each layer",
        options=("pooled", "tokens", "cls"),
    )
    layers: str = text("last", _LAYERS)
    projection: str = choice(
        "auto",
        "a learned map to the teacher's width: only where widths differ, or always",
        options=("auto", "always"),
    )

    @property
    def needs(self) -> frozenset[str]:
        """Pooled vectors, or the states of [CLS] or of every token."""
        fields = {"pooled": "features", "cls": "cls_states", "tokens": "hidden_states"}
        return frozenset({fields[self.on]})


@dataclass(frozen=True, kw_only=True)
class ResidualParams:
    """Knobs of residual distillation: what the assistant corrects, when it learns, its size."""

    on: str = choice(
        "features",
        "features: the assistant corrects the pooled vector before the student's head reads it; "
        "logits: it corrects the logits (ours)",
        options=("features", "logits"),
    )
    share: float = knob(
        0.5,
        "share of the steps, at the end, in which the assistant learns and the student is frozen",
        low=0.05,
        high=0.95,
    )
    layers: int = knob(1, "transformer blocks of the assistant, if it has any", low=1, high=48)
    hidden: int = knob(64, "width of the assistant", low=8, high=4096)

    @property
    def needs(self) -> frozenset[str]:
        """What the teacher has and the student misses."""
        return frozenset({self.on})

    @property
    def short(self) -> str:
        """As a title says it."""
        return "residual" if self.on == "features" else "residual of logits"


@dataclass(frozen=True, kw_only=True)
class RelationParams:
    """Knobs of relational distillation; the official code's weights and normalization."""

    distance_weight: float = knob(1.0, "weight of the distances between pairs", low=0, high=100)
    angle_weight: float = knob(2.0, "weight of the angles between three pairs", low=0, high=100)
    angle_cap: int = knob(
        64,
        "pairs of a batch whose angles are compared; memory grows with the cube",
        low=3,
        high=256,
    )
    unit_teacher: bool = switch(True, "scale each of the teacher's vectors to length 1 first")

    @property
    def needs(self) -> frozenset[str]:
        """Pooled vectors."""
        return frozenset({"features"})


@dataclass(frozen=True, kw_only=True)
class RankingParams:
    """Knobs of ranking distillation; a knob that a loss does not name does nothing for it."""

    loss: str = choice(
        "margin_mse",
        "margin_mse: gaps between ads; list_kl: softmax over a query's ads; ranknet: order of "
        "pairs; adr_mse: ranks, the top first; plackett_luce: the teacher's order; pearson: "
        "correlation, blind to scale",
        options=("margin_mse", "list_kl", "ranknet", "adr_mse", "plackett_luce", "pearson"),
    )
    temperature: float = knob(
        1.0,
        "list_kl: more flattens both softmaxes; plackett_luce: of the sampled orders",
        low=0.05,
        high=100,
    )
    teacher_temperature: float = knob(
        0.0, "list_kl: the teacher's own temperature; 0 takes the student's", low=0, high=100
    )
    soft_targets: bool = switch(
        False, "ranknet: learn the teacher's probability of each order instead of the order"
    )
    alpha: float = knob(
        1.0, "adr_mse: steepness of the sigmoid that counts ranks", low=0.01, high=100
    )
    top: int = knob(0, "plackett_luce: places that count; 0 counts all", low=0, high=1000)
    samples: int = knob(
        0, "plackett_luce: orders sampled per list; 0 takes the teacher's order", low=0, high=64
    )


@dataclass(frozen=True, kw_only=True)
class InternalParams:
    """Knobs of internal distillation."""

    loss: str = choice(
        "attention",
        "attention: KL of attention maps and cosine of [CLS]; minilm: relations between tokens, "
        "for any width and number of heads",
        options=("attention", "minilm"),
    )
    layers: str = text("skip", _LAYERS)
    attention_weight: float = knob(1.0, "weight of the attention maps", low=0, high=100)
    cosine_weight: float = knob(1.0, "weight of the [CLS] vectors", low=0, high=100)
    heads: str = choice(
        "equal",
        "equal: refuse models of unequal numbers of heads; mix: learn mixtures of the student's "
        "heads, one for each of the teacher's (ours)",
        options=("equal", "mix"),
    )
    schedule: str = choice(
        "all",
        "all: every pair of layers at once; progressive: one after another, from the lowest; "
        "stacked: the same, and earlier pairs stay",
        options=("all", "progressive", "stacked"),
    )
    stage_epochs: float = knob(
        1.0, "progressive, stacked: epochs for each pair of layers", low=0.01, high=100
    )
    labels_last: bool = switch(
        True, "progressive, stacked: the other terms and the hard labels join after the last stage"
    )
    relation_heads: int = knob(
        0, "minilm: heads of the relations; 0 takes the most that fit, up to 48", low=0, high=512
    )
    teacher_layer: int = knob(0, "minilm: the teacher's layer; 0 is its last", low=0, high=48)

    @property
    def needs(self) -> frozenset[str]:
        """Attention maps, or the queries, keys and values that they are made of."""
        inside = "projections" if self.loss == "minilm" else "attentions"
        return frozenset({"cls_states", inside})


@dataclass(frozen=True, kw_only=True)
class LabelAwareParams:
    """Knobs of label-aware distillation (ours: the paper's formula was not found)."""

    agreement: float = knob(
        1.0,
        "0 weighs all pairs equally; more lets a pair count by the teacher's probability of its "
        "label, raised to this power",
        low=0,
        high=20,
    )
    label_share: float = knob(
        0.5, "share of the hard label in the target; the rest is the soft label", low=0, high=1
    )
    temperature: float = knob(
        1.0, "1 keeps the soft labels as they are; more flattens them", low=0.25, high=100
    )

    @property
    def short(self) -> str:
        """As a title says it."""
        return "label-aware" if self.temperature == 1 else f"label-aware T {self.temperature:g}"


def compares_pairs(params: Any) -> bool:
    """Whether a loss with these knobs compares any pairs of a batch, not a query's alone."""
    if isinstance(params, LabelAwareParams):
        return params.agreement > 0
    return isinstance(params, RelationParams) or (
        isinstance(params, ResponseParams) and params.loss == "dist"
    )


def compares_tokens(params: Any) -> bool:
    """Whether a loss with these knobs compares token by token, so that both must read the same."""
    if isinstance(params, FeatureParams):
        return params.on == "tokens"
    return isinstance(params, InternalParams) and (
        params.loss == "minilm" or params.attention_weight > 0
    )
