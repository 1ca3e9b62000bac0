"""Settings of masked-word models, each declared once.

A teacher (BERT), a student (DistilBERT), a store of the teacher's top k logits, and a student that
learns from a store alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from kdcore.config import TrainingConfig
from kdcore.errors import ConfigError
from kdcore.knobs import build, choice, knob, plain, problems_of, switch, text
from kdcore.workspace import read_json

ERRANDS = "errands"
STAGE = "stage"  # in a config: which of the two plans it is


class Plan:
    """What every plan has: where its texts come from, and where it is carried out."""

    stage: ClassVar[str]
    data: str
    texts: int
    seed: int
    device: str
    threads: int

    def __post_init__(self) -> None:
        """Refuse what cannot be carried out, all at once."""
        if problems := [*problems_of(self), *self._problems()]:
            raise ConfigError(f"This {self.noun} cannot be made:", problems)

    @property
    def noun(self) -> str:
        """What comes of it."""
        return "masked-word model"

    def _problems(self) -> list[str]:
        return []

    def to_dict(self) -> dict[str, Any]:
        """Plain data that read_plan understands."""
        return {STAGE: self.stage, **plain(self)}


@dataclass(frozen=True, kw_only=True)
class MaskedPlan(Plan):
    """What every masked-word model is trained with."""

    data: str = text(ERRANDS, "errands (everyday sentences), a data set of the lab, or a path")
    texts: int = knob(20_000, "at most so many sentences or pairs are read", low=2, high=10**7)
    steps: int = knob(1000, "batches that are learned from", low=1, high=10**7)
    batch_size: int = knob(64, "texts per step", low=1, high=65_536)
    learning_rate: float = knob(2e-3, "peak step size of AdamW", low=0, high=1)
    smoothing: float = knob(
        0.7, "how much more often rare words are hidden; 0 hides all alike", low=0, high=1
    )
    seed: int = knob(0, "the same seed and thread count give the same model", low=0, high=2**31 - 1)
    device: str = text("auto", "auto, cpu, cuda, cuda:1 or mps")
    threads: int = knob(0, "CPU threads; 0 is torch's choice", low=0, high=1024)
    log_every: int = knob(20, "steps between two lines of metrics", low=1, high=100_000)
    checkpoint_seconds: float = knob(60, "time between two checkpoints", low=0, high=86_400)

    @property
    def optimizer(self) -> TrainingConfig:
        """The settings of the optimizer; warm-up and clipping are those of DistilBERT's script."""
        rate, size = self.learning_rate, self.batch_size
        return TrainingConfig(learning_rate=rate, batch_size=size, warmup=0.05, clip=5.0)


@dataclass(frozen=True, kw_only=True)
class TeacherPlan(MaskedPlan):
    """A BERT that learns to fill gaps; the defaults take a minute or two on one core."""

    stage = "masked-teacher"

    steps: int = knob(1400, "batches that are learned from", low=1, high=10**7)
    layers: int = knob(3, "transformer blocks", low=1, high=48)
    hidden: int = knob(128, "width of a token vector", low=8, high=4096)
    heads: int = knob(4, "attention heads; they share the width evenly", low=1, high=64)
    vocabulary: int = knob(2000, "word pieces learned from the texts", low=100, high=200_000)

    def _problems(self) -> list[str]:
        if self.hidden % self.heads:
            return [f"heads: {self.heads} do not divide hidden {self.hidden}; choose a divisor"]
        return []


@dataclass(frozen=True, kw_only=True)
class StudentPlan(MaskedPlan):
    """A DistilBERT that learns from a teacher; the weights are those of its own script.

    Sanh et al. 2019 (arXiv:1910.01108); weights 5, 2 and 1 and T = 2 from the README and the
    defaults of the authors' script. A loss of weight 0 is not computed.
    """

    stage = "masked-student"

    teacher: str = text("", "a teacher's name, the folder of a BERT, or a hub id")
    layers: int = knob(0, "transformer blocks; 0 is half of the teacher's", low=0, high=48)
    start: str = choice(
        "copied",
        "copied: the teacher's embeddings, some of its layers and its head; random",
        options=("copied", "random"),
    )
    copied: str = text("", "layers to copy, 0-based, as 0,2,4,7,9,11; empty: evenly chosen")
    steps: int = knob(500, "batches that are learned from", low=1, high=10**7)
    learning_rate: float = knob(1e-3, "peak step size of AdamW", low=0, high=1)
    soft_weight: float = knob(5.0, "weight of T² KL to the teacher's words", low=0, high=1000)
    mlm_weight: float = knob(2.0, "weight of the hidden words' cross-entropy", low=0, high=1000)
    cosine_weight: float = knob(
        1.0, "weight of 1 - cosine of the last hidden states", low=0, high=1000
    )
    temperature: float = knob(2.0, "T of the soft labels", low=0.25, high=20)
    only_hidden: bool = switch(False, "soft labels at hidden words only, not at every token")

    def _problems(self) -> list[str]:
        problems = []
        if not self.teacher:
            problems.append("teacher: is missing; train one with `kdlab masked teacher`")
        if not (self.soft_weight or self.mlm_weight or self.cosine_weight):
            problems.append("soft_weight, mlm_weight, cosine_weight: all are 0; raise one")
        try:
            layers = self.copied_layers
        except ValueError:
            return [
                *problems,
                f"copied: {self.copied!r} is not a list of layers; write it as 0,2,4",
            ]
        if layers and self.layers and len(layers) != self.layers:
            count = len(layers)
            problems.append(
                f"copied: names {count} layers for {self.layers}; set layers to {count}"
            )
        return problems

    @property
    def copied_layers(self) -> list[int]:
        """The teacher layers that `copied` names; empty where they are chosen evenly."""
        layers = [int(part) for part in self.copied.split(",") if part.strip()]
        if any(layer < 0 for layer in layers):
            raise ValueError(self.copied)
        return layers


@dataclass(frozen=True, kw_only=True)
class StorePlan(Plan):
    """A store of a teacher's k largest logits at the hidden words of some texts.

    Keeping only high-valued logits follows Parthasarathi & Strom 2019 (arXiv:1904.01624).
    """

    stage = "masked-store"

    teacher: str = text("", "a teacher's name, the folder of a BERT, or a hub id")
    k: int = knob(20, "so many of the teacher's largest logits; 0 keeps all", low=0, high=10**6)
    data: str = text(ERRANDS, "errands (everyday sentences), a data set of the lab, or a path")
    texts: int = knob(20_000, "at most so many sentences or pairs are read", low=2, high=10**7)
    rounds: int = knob(
        1, "how often each text is read, each time with other words hidden", low=1, high=1000
    )
    layers: int = knob(
        0, "copied for a student to start from; 0 is half of the teacher's", low=0, high=48
    )
    seed: int = knob(0, "decides which words are hidden", low=0, high=2**31 - 1)
    shard_texts: int = knob(2000, "texts per file", low=1, high=10**6)
    device: str = text("auto", "auto, cpu, cuda, cuda:1 or mps")
    threads: int = knob(0, "CPU threads; 0 is torch's choice", low=0, high=1024)

    @property
    def noun(self) -> str:
        """What comes of it."""
        return "store"

    def _problems(self) -> list[str]:
        return [] if self.teacher else ["teacher: is missing; name one with --teacher"]


@dataclass(frozen=True, kw_only=True)
class StoreStudentPlan(MaskedPlan):
    """A student that learns from a store alone: nothing of its teacher is loaded."""

    stage = "masked-store-student"

    store: str = text("", "a store's name, or its folder")
    start: str = choice(
        "copied",
        "copied: the layers that the store holds for it; random",
        options=("copied", "random"),
    )
    architecture: str = choice("distilbert", "of a random start", options=("distilbert", "bert"))
    layers: int = knob(2, "transformer blocks of a random start", low=1, high=48)
    hidden: int = knob(128, "width of a random start", low=8, high=4096)
    heads: int = knob(4, "attention heads of a random start", low=1, high=64)
    steps: int = knob(500, "batches that are learned from", low=1, high=10**7)
    learning_rate: float = knob(1e-3, "peak step size of AdamW", low=0, high=1)
    soft_weight: float = knob(5.0, "weight of T² KL to the stored words", low=0, high=1000)
    mlm_weight: float = knob(2.0, "weight of the hidden words' cross-entropy", low=0, high=1000)
    temperature: float = knob(2.0, "T of the soft labels", low=0.25, high=20)
    rest: str = choice(
        "zero",
        "the probability of words that were dropped: zero, or spread evenly over them",
        options=("zero", "uniform"),
    )

    def _problems(self) -> list[str]:
        problems = []
        if not self.store:
            problems.append("store: is missing; write one with `kdlab masked store`")
        if not (self.soft_weight or self.mlm_weight):
            problems.append("soft_weight, mlm_weight: both are 0; raise one")
        if self.hidden % self.heads:
            problems.append(f"heads: {self.heads} do not divide hidden {self.hidden}")
        return problems


PLANS: dict[str, type[Plan]] = {
    plan.stage: plan for plan in (TeacherPlan, StudentPlan, StorePlan, StoreStudentPlan)
}


def read_plan(path: Path) -> Plan:
    """The plan of a config file; ConfigError when it is none."""
    content = dict(read_json(path))
    kind = PLANS.get(str(content.pop(STAGE, "")))
    if kind is None:
        raise ConfigError(f"{path} is not the config of a masked-word model")
    return build(kind, _known(content, kind))


def _known(content: Mapping[str, Any], kind: type[Any]) -> dict[str, Any]:
    """Without settings of a newer version."""
    names = {spec.name for spec in fields(kind)}
    return {name: value for name, value in content.items() if name in names}
