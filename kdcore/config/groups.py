"""The groups of settings that stages share: a model, a method and its knobs, the training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kdcore.catalog import (
    SIZES,
    STUDENTS,
    EncoderParams,
    Method,
    Student,
    method_entry,
    student_entry,
)
from kdcore.errors import ConfigError, UnknownNameError
from kdcore.knobs import build, choice, knob, problems_of, text
from kdcore.yaml_text import read_assignments


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which model: a student of the catalog, its knobs, and what its weights start from."""

    name: str = "bert"
    params: Any = None
    checkpoint: str = text("", "for a pretrained encoder: a local folder or a hub id")
    start_from: str = text("", "a run whose layers (evenly chosen) this model starts from")

    def __post_init__(self) -> None:
        headline = "This model cannot be used:"
        params, problems = _knobs(student_entry, self, headline)
        object.__setattr__(self, "params", params)
        if (self.name == "checkpoint") != bool(self.checkpoint):
            problems.append(
                "checkpoint: give a local folder or a hub id with name: checkpoint, and only then"
            )
        if isinstance(params, EncoderParams) and params.hidden % params.heads:
            most = max(params.hidden // 64, 1)  # so that a head is 64 wide or more
            fitting = next(n for n in range(most, 0, -1) if params.hidden % n == 0)
            problems.append(
                f"params.heads: {params.heads} do not divide hidden {params.hidden}; "
                f"{fitting} would"
            )
        check(problems, headline)

    @classmethod
    def parse(cls, spec: str) -> "ModelConfig":
        """Read a short text: `twinbert_cos`, `bert:layers=4,hidden=256`, a folder or a hub id."""
        name, _, tail = spec.partition(":")
        if name in SIZES:
            return cls(name="bert", params=SIZES[name] | read_assignments(tail))
        if "/" in spec or (name not in STUDENTS and Path(spec).is_dir()):
            return cls(name="checkpoint", checkpoint=spec)
        return cls(name=name, params=read_assignments(tail))


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a model learns; the same for every stage."""

    epochs: int = knob(
        0, "times that every pair is seen; 0 is what suits the model", low=0, high=1000
    )
    batch_size: int = knob(0, "pairs per step; 0 takes what suits the model", low=0, high=65_536)
    learning_rate: float = knob(
        0.0, "peak step size of AdamW; 0 is what suits the model", low=0, high=1.0
    )
    warmup: float = knob(0.1, "share of steps in which the step size grows", low=0, high=0.9)
    weight_decay: float = knob(0.01, "pull of the weights towards 0", low=0, high=1)
    clip: float = knob(1.0, "longest gradient allowed; 0 is no limit", low=0, high=1000)
    ads_per_query: int = knob(16, "two towers: ads of one query per batch", low=1, high=1024)
    select_by: str = choice(
        "nll",
        "the saved step is the best on validation by nll (likelihood) or roc_auc (order)",
        options=("nll", "roc_auc"),
    )
    precision: str = choice(
        "auto",
        "precision of products in training: auto is bf16 where possible; evaluation is in fp32",
        options=("auto", "fp32", "bf16"),
    )
    checkpoint_seconds: float = knob(
        60, "time between checkpoints from which a killed run resumes", low=0, high=86_400
    )
    replay_points: int = knob(
        0, "moments of training at which a probe set is scored and saved", low=0, high=1000
    )
    log_every: int = knob(20, "steps between two lines of metrics", low=1, high=100_000)
    validations: int = knob(1, "validations per epoch; the best step is saved", low=1, high=1000)

    def __post_init__(self) -> None:
        check(problems_of(self))

    def suited_to(self, model: ModelConfig) -> "TrainingConfig":
        """Return the same with every 0 replaced by the value that suits the model."""
        suits = student_entry(model.name).training
        blank: dict[str, Any] = {n: v for n, v in suits.items() if not getattr(self, n)}
        return replace(self, **blank)


@dataclass(frozen=True, kw_only=True)
class MethodConfig:
    """Which way to distill, and its knobs."""

    name: str = "response"
    params: Any = None

    def __post_init__(self) -> None:
        params, problems = _knobs(method_entry, self, "This method cannot be used:")
        object.__setattr__(self, "params", params)
        check(problems)


def _knobs(
    entry: Callable[[str], Student | Method], config: "ModelConfig | MethodConfig", headline: str
) -> tuple[Any, list[str]]:
    """Build the knobs of a catalog entry; return them and every problem, named from `params`."""
    try:
        kind, given = entry(config.name).params, config.params
    except UnknownNameError as error:
        raise ConfigError(headline, [f"name: {error}"]) from None
    if isinstance(given, kind):
        return given, [f"params.{problem}" for problem in problems_of(given)]
    if given is not None and not isinstance(given, Mapping):
        return kind(), [f"params: {given!r} is not a group of settings"]
    try:
        return build(kind, given or {}), []
    except ConfigError as error:
        return kind(), [f"params.{problem}" for problem in error.problems]


def check(problems: list[str], headline: str = "These settings cannot be used:") -> None:
    """Raise ConfigError when there are problems."""
    if problems:
        raise ConfigError(headline, problems)
