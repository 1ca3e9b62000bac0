"""Frozen configs, one per stage, checked at birth, read from and written as YAML and JSON."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from kdcore.catalog import method_entry, misfit
from kdcore.config.assistant import assistant_of
from kdcore.config.groups import MethodConfig as MethodConfig
from kdcore.config.groups import ModelConfig as ModelConfig
from kdcore.config.groups import ScheduleConfig as ScheduleConfig
from kdcore.config.groups import TermConfig as TermConfig
from kdcore.config.groups import TrainingConfig as TrainingConfig
from kdcore.config.groups import check, numbered
from kdcore.config.groups import method_of as method_of
from kdcore.config.teacher import TeacherConfig as TeacherConfig
from kdcore.config.teacher import teacher_misfit as teacher_misfit
from kdcore.config.terms import with_named_terms as with_named_terms
from kdcore.errors import ConfigError
from kdcore.knobs import build, choice, groups, knob, plain, problems_of, switch, text
from kdcore.objectives.params import ResidualParams
from kdcore.yaml_text import LONGEST, read_yaml

MOST_RANKS = 64  # of CPU processes that share one run
# settings of how a training is watched and stored, which change nothing of what is learned
UNSEEN_BY_THE_MODEL = ("checkpoint_seconds", "replay_points", "log_every")
_DEVICE = re.compile(r"auto|mps|cpu(:\d+)?|cuda(:\d+|:all)?", re.ASCII)


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
        check(problems)
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
        check(self._problems() + ([] if self.run else ["run: name the run to score with"]))


@dataclass(frozen=True, kw_only=True)
class TeachConfig(_StageConfig):
    """Score pairs with a classifier that another tool trained: a teacher with its own head."""

    stage: str = choice("teach", "the stage", options=("teach",))
    model: ModelConfig = field(default_factory=ModelConfig)
    calibrate: bool = switch(False, "fit T and a bias of its logits on validation")
    batch_size: int = knob(128, "pairs per step", low=1, high=65_536)
    precision: str = choice("auto", "of products; auto is fp32", options=("auto", "fp32", "bf16"))

    def __post_init__(self) -> None:
        problems = self._problems()
        if self.model.name != "ready":
            problems.append("model: give the folder or hub id of a classifier with name: ready")
        check(problems)


@dataclass(frozen=True, kw_only=True)
class DistillConfig(_StageConfig):
    """Train a student on what a teacher tells, beside the hard labels.

    method, soft_weight: the first term of the loss; terms: those beside it, by name; schedules:
    the weights and the temperature that change in the course of the training.
    """

    stage: str = choice("distill", "the stage", options=("distill",))
    teacher: str = text("", "the run that teaches, or ensemble:RUN+RUN, or file:scores.csv")
    student: ModelConfig = field(default_factory=lambda: ModelConfig(name="twinbert_cos"))
    method: MethodConfig = field(default_factory=MethodConfig)
    soft_weight: float = knob(1.0, "weight of the soft-label loss", low=0, high=1000)
    terms: tuple[TermConfig, ...] = groups()
    schedules: tuple[ScheduleConfig, ...] = groups()
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
        changing = [each for each in self.schedules if each.kind != "constant"]
        terms = numbered(self.terms, [each.name for each in changing])
        for name, named in (("terms", terms), ("schedules", changing)):  # equal in any order
            object.__setattr__(self, name, tuple(sorted(named, key=lambda each: each.name)))
        problems += self._problems_of_schedules()
        if not (self.soft_weight or self.hard_weight or self.terms or self.schedules):
            problems.append("soft_weight, hard_weight: both are 0, so there is nothing to learn")
        if self.label_smoothing and not self.has_hard_labels:
            problems.append("label_smoothing: smooths hard labels, whose hard_weight is 0")
        methods = [("method", self.method.name, self.method.params)]
        methods += [(f"terms.{term.name}", term.method, term.params) for term in self.terms]
        for path, method, params in methods:
            if reason := misfit(method, self.student.name, params):
                problems.append(f"{path}: {reason}")
        if [method for _, method, _ in methods].count("residual") > 1:
            problems.append("terms: a student has one assistant, so residual stands once")
        check(problems + self._problems_of_teacher())
        object.__setattr__(self, "training", self.training.suited_to(self.student))

    @cached_property
    def teaching(self) -> TeacherConfig:
        """Who teaches, read from the text of `teacher`."""
        return TeacherConfig.parse(self.teacher)

    def _problems_of_teacher(self) -> list[str]:
        try:
            teaching = self.teaching
        except ConfigError as error:
            return list(error.problems)
        terms = self.soft_terms.values()
        kind, knobs = teaching.kind, teaching.params
        reasons = (teacher_misfit(kind, term.method, term.params, knobs) for term in terms)
        return [f"teacher: {reason}" for reason in reasons if reason]

    @cached_property
    def soft_terms(self) -> dict[str, TermConfig]:
        """Every term that reads the teacher, by the name of its curve; the first is soft."""
        name, params = self.method.name, self.method.params
        first = TermConfig(name=name, weight=self.soft_weight, params=params)
        return {"soft": first, **{term.name: term for term in self.terms}}

    @cached_property
    def residual(self) -> ResidualParams | None:
        """The knobs of its term with an assistant; None where it has none."""
        return next((t.params for t in self.soft_terms.values() if t.method == "residual"), None)

    @cached_property
    def assistant(self) -> ModelConfig | None:
        """The assistant that learns what the student misses and stays beside it."""
        return None if self.residual is None else assistant_of(self.student, self.residual)

    @property
    def has_hard_labels(self) -> bool:
        """Whether the hard labels have a weight at some step."""
        return self.hard_weight > 0 or any(each.name == "hard" for each in self.schedules)

    def _problems_of_schedules(self) -> list[str]:
        curves = ["soft", *(term.name for term in self.terms), "hard"]
        methods = [self.method.name, *(term.method for term in self.terms)]
        problems = []
        for schedule in self.schedules:
            path = f"schedules.{schedule.name}"
            if schedule.name == "temperature":
                if not any(method_entry(name).softens for name in methods):
                    problems.append(
                        f"{path}: no term has soft labels, so there is no temperature to change; "
                        "remove this schedule"
                    )
            elif schedule.name not in curves:
                problems.append(f"{path}: no such term; it is one of {', '.join(curves)}")
        return problems

    @cached_property
    def reads(self) -> frozenset[str]:
        """The fields of Outputs that its terms read."""
        terms = self.soft_terms.values()
        return frozenset().union(*(method_entry(t.method).reads(t.params) for t in terms))

    @cached_property
    def compares_lists(self) -> bool:
        """Whether a term compares the ads of a query, which must then meet in a batch."""
        return any(method_entry(term.method).lists for term in self.soft_terms.values())


StageConfig = FinetuneConfig | InferConfig | TeachConfig | DistillConfig
STAGES: dict[str, type[StageConfig]] = {
    "finetune": FinetuneConfig,
    "infer": InferConfig,
    "teach": TeachConfig,
    "distill": DistillConfig,
}
_NEWER = {"log_every": 20, "validations": 1, "strip_accents": False}
# left out of a written config at these values, so that an old one is written back as it was
_UNWRITTEN: dict[str, Any] = {
    "target_weight": 1.0,
    "other_weight": 8.0,
    "between_weight": 1.0,
    "within_weight": 1.0,
    "terms": {},
    "schedules": {},
    "layers_from": [],
}


def from_dict(data: Mapping[str, Any]) -> StageConfig:
    """Build a stage's config from plain data; raises ConfigError with every problem at once."""
    data = with_named_terms(data)
    stage = data.get("stage")
    if stage not in STAGES:
        raise ConfigError(
            "This config cannot be used:", [f"stage: {stage!r} is not one of {', '.join(STAGES)}"]
        )
    return build(STAGES[stage], data)


def to_dict(config: Any) -> dict[str, Any]:
    """Return plain data that from_dict reads back."""
    return _without(plain(config), _UNWRITTEN)


def without_newer(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config's data without newer knobs that have their defaults."""
    return _without(data, _NEWER)


def _without(data: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data without the keys that have these values, at any depth."""
    return {
        key: _without(value, defaults) if isinstance(value, Mapping) else value
        for key, value in data.items()
        if key not in defaults or value != defaults[key]
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
