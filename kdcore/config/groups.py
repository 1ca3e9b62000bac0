"""The groups of settings that stages share: a model, a method and its knobs, the training."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kdcore.catalog import (
    PRETRAINED,
    SIZES,
    STUDENTS,
    EncoderParams,
    Method,
    Student,
    method_entry,
    student_entry,
)
from kdcore.errors import ConfigError, UnknownNameError
from kdcore.knobs import build, choice, knob, numbers, plain, problems_of, text
from kdcore.yaml_text import assigned, read_assignments

LEAST_T = 0.25
_NUMBER = re.compile(r"_\d+$")  # behind the name of a method's second term


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which model: a student of the catalog, its knobs, and what its weights start from."""

    name: str = "bert"
    params: Any = None
    checkpoint: str = text("", "for a pretrained encoder: a local folder or a hub id")
    start_from: str = text(
        "",
        "a run: of an equal model this one starts from everything, of a BERT-n from its layers; or "
        "the folder of a pretrained BERT; teacher: the run that teaches",
    )
    layers_from: tuple[int, ...] = numbers(
        "which layers of start_from or of the checkpoint are taken, counted from 0, such as 0 2; "
        "empty takes them evenly"
    )

    def __post_init__(self) -> None:
        headline = "This model cannot be used:"
        params, problems = _knobs(student_entry, self.name, self.params, headline)
        object.__setattr__(self, "params", params)
        problems += self._problems_of_layers()
        if (self.is_pretrained or self.name == "ready") != bool(self.checkpoint):
            names = ", ".join((*PRETRAINED.values(), "ready"))
            problems.append(
                f"checkpoint: only a student of name {names} starts from an encoder; leave it empty"
                if self.checkpoint
                else "checkpoint: choose the folder of the encoder, or give its hub id"
            )
        if isinstance(params, EncoderParams) and params.hidden % params.heads:
            most = max(params.hidden // 64, 1)  # so that a head is 64 wide or more
            fitting = next(n for n in range(most, 0, -1) if params.hidden % n == 0)
            problems.append(
                f"params.heads: {params.heads} do not divide hidden {params.hidden}; "
                f"{fitting} would"
            )
        check(problems, headline)

    def _problems_of_layers(self) -> list[str]:
        """What is wrong with the layers to start from, before any file is read."""
        problems, layers = [], self.layers_from
        if layers and not (self.start_from or self.checkpoint):
            problems.append("layers_from: names layers of start_from, which is empty")
        if min(layers, default=0) < 0 or len(set(layers)) < len(layers):
            listed = " ".join(map(str, layers))
            problems.append(f"layers_from: {listed}: name each layer once, counted from 0")
        knob = "keep_layers" if self.is_pretrained else "layers"
        count = getattr(self.params, knob, 0)
        if layers and count and len(layers) != count:
            problems.append(
                f"layers_from: names {len(layers)} layers and params.{knob} is {count}; "
                f"name {count}, or set params.{knob} to {len(layers)}"
            )
        return problems

    @property
    def is_pretrained(self) -> bool:
        """Whether it starts from a pretrained encoder, its `checkpoint`."""
        return self.name in PRETRAINED.values()

    @classmethod
    def parse(cls, spec: str) -> "ModelConfig":
        """Read a short text: `twinbert_cos`, `bert:layers=4,hidden=256`, a folder or a hub id.

        `twinbert_cos:from=FOLDER` names pretrained towers.
        """
        name, _, tail = spec.partition(":")
        if name in SIZES:
            return cls(name="bert", params=SIZES[name] | read_assignments(tail))
        if name not in STUDENTS and ("/" in spec or Path(spec).is_dir()):
            return cls(name="checkpoint", checkpoint=spec)
        params = read_assignments(tail)
        if "from" in params:
            source = str(params.pop("from"))
            return cls(name=PRETRAINED.get(name, name), checkpoint=source, params=params)
        return cls(name=name, params=params)

    @property
    def spec(self) -> str:
        """The short text that parse reads; what it starts from is not in it."""
        if self.name == "checkpoint":
            return self.checkpoint
        usual = plain(student_entry(self.name).params())
        knobs = {k: v for k, v in plain(self.params).items() if v != usual[k]}
        knobs = ({"from": self.checkpoint} if self.is_pretrained else {}) | knobs
        text = ",".join(f"{k}={assigned(v)}" for k, v in knobs.items())
        name = short_name(self.name)
        return f"{name}:{text}" if text else name


def short_name(name: str) -> str:
    """The name of a model in a short text: twinbert_cos where it is pretrained_cos."""
    return next((short for short, long in PRETRAINED.items() if long == name), name)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a model learns; the same for every stage."""

    epochs: int = knob(
        0,
        "times that every pair is seen; 0 takes the usual number for the model",
        low=0,
        high=1000,
    )
    batch_size: int = knob(
        0, "pairs per step; 0 takes the usual number for the model", low=0, high=65_536
    )
    learning_rate: float = knob(
        0.0, "peak step size of AdamW; 0 takes the usual size for the model", low=0, high=1.0
    )
    warmup: float = knob(0.1, "share of steps in which the step size grows", low=0, high=0.9)
    weight_decay: float = knob(0.01, "pull of the weights towards 0", low=0, high=1)
    clip: float = knob(1.0, "longest gradient allowed; 0 is no limit", low=0, high=1000)
    ads_per_query: int = knob(
        16, "two towers, and ranking: ads of one query per batch", low=1, high=1024
    )
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
        headline = "This method cannot be used:"
        params, problems = _knobs(method_entry, self.name, self.params, headline)
        object.__setattr__(self, "params", params)
        check(problems)


@dataclass(frozen=True, kw_only=True)
class TermConfig:
    """A term of the loss: a method of the catalog, what it weighs, and its knobs.

    name: the method's, with _2, _3 and so on behind it where the method is used again; it is also
    the name of the term's curve.
    """

    name: str = "feature"
    weight: float = knob(1.0, "weight of this term in the loss", low=0, high=1000)
    params: Any = None

    def __post_init__(self) -> None:
        headline = "This term cannot be used:"
        params, problems = _knobs(method_entry, self.method, self.params, headline)
        object.__setattr__(self, "params", params)
        check(problems_of(self) + problems)

    @classmethod
    def parse(cls, spec: str) -> "TermConfig":
        """Read a short text: `ranking`, or `feature:loss=cosine,weight=0.5`."""
        name, _, tail = spec.partition(":")
        params = read_assignments(tail)
        return build(cls, {"name": name, "weight": params.pop("weight", 1.0), "params": params})

    @property
    def method(self) -> str:
        """The method's name in the catalog."""
        return method_of(self.name)

    @property
    def spec(self) -> str:
        """The short text that parse reads, with all that differs from the defaults."""
        usual = plain(method_entry(self.method).params())
        changes = {k: v for k, v in plain(self.params).items() if v != usual[k]}
        changes |= {"weight": self.weight} if self.weight != 1 else {}
        texts = (f"{k}={str(v).lower() if isinstance(v, bool) else v}" for k, v in changes.items())
        return ":".join(filter(None, (self.method, ",".join(texts))))


def method_of(name: str) -> str:
    """The method of a term of this name: feature_2 is the second term of feature."""
    return _NUMBER.sub("", name)


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """How a number changes in the course of a training, from its setting to `end`.

    name: the curve of a term, whose weight it is (soft, hard, feature, ...), or temperature, that
    of the soft labels.
    """

    name: str = "soft"
    kind: str = choice(
        "linear",
        "linear; cosine: slow at both ends; constant: no change",
        options=("linear", "cosine", "constant"),
    )
    end: float = knob(0.0, "the value at the last step", low=0, high=1000)

    def __post_init__(self) -> None:
        problems = problems_of(self)
        if self.name == "temperature" and self.kind != "constant" and self.end < LEAST_T:
            problems.append(
                f"end: {self.end:g} is too low for a temperature; give {LEAST_T:g} or more"
            )
        check(problems)


def numbered(
    terms: Iterable[TermConfig], scheduled: Collection[str] = ()
) -> tuple[TermConfig, ...]:
    """The terms, a name that occurs again with a number behind it; those of weight 0 are left out.

    A weight of 0 is how a link or a sweep takes a term away. scheduled: names of those whose
    weight changes in the course of the training, so that it may begin with 0.
    """
    names: set[str] = set()
    out = []
    for term in terms:
        name, count = term.name, 1
        while name in names:
            count += 1
            name = f"{term.method}_{count}"
        names.add(name)
        if term.weight or name in scheduled:
            out.append(replace(term, name=name))
    return tuple(out)


def _knobs(
    entry: Callable[[str], Student | Method], name: str, given: Any, headline: str
) -> tuple[Any, list[str]]:
    """Build the knobs of a catalog entry; return them and every problem, named from `params`."""
    try:
        kind = entry(name).params
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
