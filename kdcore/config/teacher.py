"""The teacher of a distillation as a short text, and the one parser of it.

    RUN                                a finished run: its id, its folder, or demo:NAME
    ensemble:RUN+RUN,average=logits    several runs together
    peer:twinbert_cos+bert_mini        other students, which learn beside this one
    ema:decay=0.99                     a moving average of the student itself
    file:PATH+PATH,weights=2+1         files of scores, or predictions imported under a name

A config holds the text, so that links, --set, sweeps and forms need nothing else.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import yaml

from kdcore.catalog import TEACHERS, TeacherKind, method_entry
from kdcore.config.groups import ModelConfig, check
from kdcore.errors import ConfigError, lookup
from kdcore.knobs import build, plain
from kdcore.workspace import last_part
from kdcore.yaml_text import read_assignments

_HEADLINE = "This teacher cannot be used:"
_QUOTED = {"%": "%25", "+": "%2B", ",": "%2C"}  # in a name, since these signs part names and knobs


@dataclass(frozen=True, kw_only=True)
class TeacherConfig:
    """Who teaches: a kind of catalog.TEACHERS, the names that it needs, and its knobs.

    names: the runs of kind run and ensemble; the files of kind file, each by its path or by the
    name under which it was imported; the other students of kind peer, each as the short text that
    --student takes. ConfigError names every problem.
    """

    kind: str = "run"
    names: tuple[str, ...] = ()
    params: Any = None

    def __post_init__(self) -> None:
        kind = lookup(TEACHERS, self.kind, "kind of teacher")
        problems: list[str] = []
        if self.params is None or isinstance(self.params, Mapping):
            try:
                object.__setattr__(self, "params", build(kind.params, self.params or {}))
            except ConfigError as error:
                problems += error.problems
        if kind.names == "run" and not self.text:
            problems.append("name the run that teaches")
        if kind.names == "runs" and len(self.names) < 2:
            problems.append("name two runs or more, as in ensemble:RUN+RUN")
        if kind.names == "students":
            problems += self._problems_of_students()
        if kind.names == "files":
            problems += self._problems_of_files()
        outside = self.runs or self.files
        if doubled := sorted({name for name in outside if outside.count(name) > 1}):
            problems.append(f"{', '.join(doubled)} is named twice; name different {_called(kind)}")
        if kind.names in ("run", "runs") and not all(self.names) and len(self.names) > 1:
            problems.append("a name is empty; write RUN+RUN")
        check([f"teacher: {problem}" for problem in problems], _HEADLINE)

    def _problems_of_students(self) -> list[str]:
        problems = [] if self.names else ["name the other students, as in peer:twinbert_cos"]
        for name in self.names:
            try:
                ModelConfig.parse(name)
            except ConfigError as error:
                problems += [f"{name}: {problem}" for problem in error.problems]
            except yaml.YAMLError:
                problems.append(f"{name!r} cannot be read; write NAME:knob=value")
        return problems

    def _problems_of_files(self) -> list[str]:
        if not self.names or not all(self.names):
            return ["name the file with the scores, as in file:scores.csv"]
        weights = str(getattr(self.params, "weights", ""))
        try:
            values = [float(weight) for weight in weights.split("+")] if weights else []
        except ValueError:
            return [f"weights: {weights!r} cannot be read; write one number per file, as in 2+1"]
        if weights and len(values) != len(self.names):
            return [f"weights: {len(values)} given for {len(self.names)} files; give one per file"]
        if not all(0 < value < float("inf") for value in values):
            return [f"weights: {weights} must all be above 0; leave a file out instead"]
        return []

    @classmethod
    def parse(cls, text: str) -> "TeacherConfig":
        """Read a short text; one that names no kind is the name of a run."""
        return _parse(text)

    @property
    def entry(self) -> TeacherKind:
        """The kind in the catalog."""
        return TEACHERS[self.kind]

    @property
    def text(self) -> str:
        """The short text that parse reads, with all knobs that are not at their defaults."""
        if self.kind == "run":
            return self.names[0] if self.names else ""
        parted = "+%" if self.entry.names == "students" else "+,%"
        names = "+".join(_quoted(name, parted) for name in self.names)
        usual = plain(self.entry.params())
        knobs = [f"{k}={v}" for k, v in plain(self.params).items() if v != usual[k]]
        return ":".join(filter(None, (self.kind, ",".join(filter(None, (names, *knobs))))))

    @property
    def runs(self) -> tuple[str, ...]:
        """The names of the runs that it needs; none where it teaches itself."""
        return self.names if self.entry.names in ("run", "runs") else ()

    @property
    def files(self) -> tuple[str, ...]:
        """The files of scores that it needs, each by its path or the name of its import."""
        return self.names if self.entry.names == "files" else ()

    @property
    def weights(self) -> tuple[float, ...]:
        """How much each file counts in their mean."""
        text = getattr(self.params, "weights", "")
        return tuple(map(float, text.split("+"))) if text else (1.0,) * len(self.files)

    @property
    def title(self) -> str:
        """What the teacher is called: a run's name, the names of several, or the kind."""
        names = " + ".join(map(last_part, self.names))
        return names if self.names else self.entry.title.lower()

    @property
    def students(self) -> tuple[ModelConfig, ...]:
        """The other students that learn beside this one; none unless they are peers."""
        return tuple(map(ModelConfig.parse, self.names if self.entry.names == "students" else ()))

    @property
    def average(self) -> str:
        """What of several runs is averaged; "" for another kind."""
        return getattr(self.params, "average", "")

    def renamed(self, rename: Callable[[str], str]) -> "TeacherConfig":
        """The same with the name of every run changed."""
        return replace(self, names=tuple(map(rename, self.names))) if self.runs else self


def read_teacher(text: str) -> TeacherConfig | None:
    """The teacher of a config that may be empty, or of another version; None then."""
    try:
        return TeacherConfig.parse(text)
    except ConfigError:
        return None


def files_of(text: str) -> tuple[str, ...]:
    """The files of scores that a teacher's text names; none for most."""
    teacher = read_teacher(text)
    return teacher.files if teacher else ()


def without_folders(text: str) -> str:
    """A teacher's text, each run and file by its name alone: fit to be shown and shared."""
    teacher = read_teacher(text)
    if teacher is None:
        return text
    if teacher.files:
        names = (last_part(name) if os.path.isabs(name) else name for name in teacher.files)
        return replace(teacher, names=tuple(names)).text
    return teacher.renamed(last_part).text


def score_misfit(method: str) -> str:
    """Explain why a free score cannot teach by this method; an empty text when it can."""
    reason = score_reason(method)
    return reason and (
        f"{reason}; choose the method ranking, or say what the number is (kind=relevance, "
        "kind=logit)"
    )


def score_reason(method: str) -> str:
    """The reason of `score_misfit` without its cure, which differs between page and command."""
    entry = method_entry(method)
    if entry.lists:
        return ""
    return (
        f"{entry.title} reads a probability of each grade, and a free score has only an order and "
        "gaps"
    )


def teacher_misfit(kind: str, method: str, params: Any = None, teacher_params: Any = None) -> str:
    """Explain why a kind of teacher cannot teach by this method; an empty text when it can.

    params: the knobs of the method, which may decide what it reads; None for the defaults.
    teacher_params: the knobs of the teacher.
    """
    teacher, entry = lookup(TEACHERS, kind, "kind of teacher"), method_entry(method)
    if (kind, method) == ("ema", "residual"):
        return "an average of the student has nothing that the student misses; choose a run"
    if (kind, method) == ("file", "residual"):
        return (
            "the assistant learns what the student misses of a model's vectors or logits, and a "
            "file of scores gives neither for certain; choose one run"
        )
    is_free = kind == "file" and getattr(teacher_params, "kind", "") == "score"
    if is_free and (reason := score_misfit(method)):
        return reason
    if method == "residual" and kind in ("peer", "ema"):
        return f"{entry.title} learns what an outside teacher knows better; choose one run"
    if teacher.gives is None or not (missing := entry.reads(params) - teacher.gives):
        return ""
    subject = f"{teacher.title.lower()} together give"
    if kind == "file":
        subject = "a file of scores gives"
    return (
        f"{entry.title} reads {', '.join(sorted(missing))}, and {subject} "
        f"{', '.join(sorted(teacher.gives))} only; choose one run"
    )


@lru_cache(maxsize=4096)
def _parse(text: str) -> TeacherConfig:
    kind, colon, rest = text.partition(":")
    if kind not in TEACHERS or kind == "run" or not (colon or not TEACHERS[kind].names):
        return TeacherConfig(names=(text,) if text else ())
    names_first = TEACHERS[kind].names in ("runs", "files")
    listed, _, knobs = rest.partition(",") if names_first else ("", "", rest)
    if TEACHERS[kind].names == "students":  # whose own knobs have commas, too
        listed, knobs = rest, ""
    try:
        params = read_assignments(knobs)
        usual = TEACHERS[kind].params()
        for name, _, value in (part.partition("=") for part in knobs.split(",")):
            if isinstance(getattr(usual, name.strip(), None), str):  # 2 stays a text, and no number
                params[name.strip()] = value.strip()
    except yaml.YAMLError:
        problem = f"teacher: {knobs!r} cannot be read; write knob=value"
        raise ConfigError(_HEADLINE, [problem]) from None
    names = tuple(_unquoted(name.strip()) for name in listed.split("+")) if listed else ()
    return TeacherConfig(kind=kind, names=names, params=params)


def _called(kind: TeacherKind) -> str:
    return "files" if kind.names == "files" else "runs"


def _quoted(name: str, signs: str) -> str:
    return "".join(_QUOTED[sign] if sign in signs else sign for sign in name)


def _unquoted(text: str) -> str:
    for sign, quoted in reversed(_QUOTED.items()):
        text = text.replace(quoted, sign)
    return text
