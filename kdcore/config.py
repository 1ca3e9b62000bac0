"""Frozen configs, one per stage, checked at birth, read from and written as YAML and JSON."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from kdcore.catalog import (
    SIZES,
    STUDENTS,
    EncoderParams,
    Method,
    Student,
    method_entry,
    misfit,
    student_entry,
)
from kdcore.errors import ConfigError, UnknownNameError
from kdcore.knobs import build, choice, knob, plain, problems_of, switch, text
from kdcore.yaml_text import LONGEST, read_assignments, read_yaml

MOST_RANKS = 64  # of CPU processes that share one run
# settings of how a training is watched and stored, which change nothing of what is learned
UNSEEN_BY_THE_MODEL = ("checkpoint_seconds", "replay_points", "log_every")
_DEVICE = re.compile(r"auto|mps|cpu(:\d+)?|cuda(:\d+|:all)?", re.ASCII)


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
        _check(problems, headline)

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
        _check(problems_of(self))

    def suited_to(self, model: ModelConfig) -> "TrainingConfig":
        """Return the same with every 0 replaced by the value that suits the model."""
        suits = student_entry(model.name).training
        blank: dict[str, Any] = {n: v for n, v in suits.items() if not getattr(self, n)}
        return replace(self, **blank)


@dataclass(frozen=True, kw_only=True)
class _StageConfig:
    """The settings that every stage has."""

    data: str = text("world", "a data set of the lab, or a path to one")
    limit: int = knob(
        0,
        "most pairs of train and of validation, whole queries; 0 takes all",
        low=0,
        high=10**9,
    )
    seed: int = knob(
        0, "the same seed and thread count give the same student", low=0, high=2**31 - 1
    )
    device: str = text("auto", "auto, cpu, cuda, cuda:1, cuda:all or mps")
    threads: int = knob(0, "CPU threads; 0 is torch's choice", low=0, high=1024)

    def _problems(self) -> list[str]:
        """List the problems of single settings; each stage adds those of combinations."""
        problems, device = problems_of(self), self.device
        if isinstance(device, str) and not _DEVICE.fullmatch(device):
            problems.append(
                f"device: {device[:40]!r} is not a device; use auto, cpu, cuda, cuda:1 or mps"
            )
        elif isinstance(device, str) and device[:4] == "cpu:" and int(device[4:8]) > MOST_RANKS:
            problems.append(f"device: {device[:40]} is too many; {MOST_RANKS} processes at most")
        return problems


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig(_StageConfig):
    """Train a model on hard labels: a teacher, or a student's twin without a teacher."""

    stage: str = choice("finetune", "the stage", options=("finetune",))
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: str = choice(
        "ce",
        "ce: cross-entropy; mse: squared error of relevance, the KDD 2022 tutorial's",
        options=("ce", "mse"),
    )
    label_smoothing: float = knob(0.0, "share of each label spread evenly", low=0, high=0.99)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        problems = self._problems()
        if self.loss == "mse" and self.label_smoothing:
            problems.append("label_smoothing: has no place in mse; set it to 0, or loss to ce")
        _check(problems)
        object.__setattr__(self, "training", self.training.suited_to(self.model))


@dataclass(frozen=True, kw_only=True)
class InferConfig(_StageConfig):
    """Score pairs with a finished run: the teacher's soft labels."""

    stage: str = choice("infer", "the stage", options=("infer",))
    run: str = text("", "the run whose model scores the pairs")
    batch_size: int = knob(512, "pairs per step", low=1, high=65_536)
    splits: tuple[str, ...] = ()
    as_is: bool = switch(
        False, "take the splits as they lie, cut none; 'all' then names every pair as one"
    )
    precision: str = choice("auto", "of products; auto is fp32", options=("auto", "fp32", "bf16"))

    def __post_init__(self) -> None:
        _check(self._problems() + ([] if self.run else ["run: name the run to score with"]))


@dataclass(frozen=True, kw_only=True)
class MethodConfig:
    """Which way to distill, and its knobs."""

    name: str = "response"
    params: Any = None

    def __post_init__(self) -> None:
        params, problems = _knobs(method_entry, self, "This method cannot be used:")
        object.__setattr__(self, "params", params)
        _check(problems)


@dataclass(frozen=True, kw_only=True)
class DistillConfig(_StageConfig):
    """Train a student on a teacher's soft labels, beside the hard ones."""

    stage: str = choice("distill", "the stage", options=("distill",))
    teacher: str = text("", "the run that teaches")
    student: ModelConfig = field(default_factory=lambda: ModelConfig(name="twinbert_cos"))
    method: MethodConfig = field(default_factory=MethodConfig)
    soft_weight: float = knob(1.0, "weight of the soft-label loss", low=0, high=1000)
    hard_weight: float = knob(0.1, "weight of the hard-label cross-entropy", low=0, high=1000)
    label_smoothing: float = knob(0.0, "share of each hard label spread evenly", low=0, high=0.99)
    transfer: str = choice(
        "train",
        "pairs learned from: the labelled ones, the unlabelled log, or both",
        options=("train", "log", "train+log"),
    )
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        problems = self._problems()
        if not self.teacher:
            problems.append("teacher: name the run that teaches")
        if self.soft_weight == 0 and self.hard_weight == 0:
            problems.append("soft_weight, hard_weight: both are 0, so there is nothing to learn")
        if self.label_smoothing and not self.hard_weight:
            problems.append("label_smoothing: smooths hard labels, whose hard_weight is 0")
        if reason := misfit(self.method.name, self.student.name):
            problems.append(f"method: {reason}")
        _check(problems)
        object.__setattr__(self, "training", self.training.suited_to(self.student))


StageConfig = FinetuneConfig | InferConfig | DistillConfig
STAGES: dict[str, type[FinetuneConfig] | type[InferConfig] | type[DistillConfig]] = {
    "finetune": FinetuneConfig,
    "infer": InferConfig,
    "distill": DistillConfig,
}
_NEWER = {"log_every": 20, "validations": 1, "strip_accents": False}


def from_dict(data: Mapping[str, Any]) -> StageConfig:
    """Build a stage's config from plain data; raises ConfigError with every problem at once."""
    stage = data.get("stage")
    if stage not in STAGES:
        raise ConfigError(
            "This config cannot be used:", [f"stage: {stage!r} is not one of {', '.join(STAGES)}"]
        )
    return build(STAGES[stage], data)


def to_dict(config: Any) -> dict[str, Any]:
    """Return plain data that from_dict reads back."""
    return plain(config)


def without_newer(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config's data without newer knobs that have their defaults."""
    return {
        key: without_newer(value) if isinstance(value, Mapping) else value
        for key, value in data.items()
        if key not in _NEWER or value != _NEWER[key]
    }


def load(path: Path) -> StageConfig:
    """Read a stage's config from a YAML or JSON file."""
    return from_dict(read_settings(path))


def read_settings(path: Path) -> dict[str, Any]:
    """Read the settings of a YAML or JSON file, unchecked."""
    try:
        with path.open(encoding="utf-8") as file:
            data = read_yaml(file.read(LONGEST + 1))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as cause:
        raise ConfigError(f"{path} cannot be read as YAML:", [str(cause)]) from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no settings:", ["write `stage: distill` and so on"])
    return data


def to_yaml(config: Any) -> str:
    """Write the config as YAML, in the order in which it is declared."""
    return yaml.safe_dump(to_dict(config), sort_keys=False)


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


def _check(problems: list[str], headline: str = "These settings cannot be used:") -> None:
    if problems:
        raise ConfigError(headline, problems)
