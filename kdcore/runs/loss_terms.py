"""The terms of a run's loss, what changes, its family and who teaches, read as written.

A config may be valid or not. The family of a training is the kind of distillation by which a list
tells runs apart.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kdcore.catalog import METHODS, STUDENTS
from kdcore.config import method_of
from kdcore.config.teacher import read_teacher
from kdcore.workspace import last_part, read_json, write_json_atomic

MADE = "made.json"
EARLY = "response"  # the method of a config that was written before it had a name
FIRST = "response"  # what the other terms stand beside
SEVERAL = "several"
TEMPERATURE = "temperature"  # the schedule that is of no term's weight

# by its key: what the screen says, in the order of lists and legends
FAMILIES: Mapping[str, str] = {
    "labels": "Labels only",
    "response": "Response",
    "feature": "+ feature",
    "relation": "+ relation",
    "ranking": "+ ranking",
    "internal": "+ internal",
    "label_aware": "Label-aware",
    SEVERAL: "Several terms",
    "residual": "Residual",
    "ensemble": "Ensemble",
    "online": "Online",
    "self": "Self",
}
KINDS = {"teacher": "Teacher", **FAMILIES}  # what lists of runs tell apart
NAMES = {**KINDS, "": "Other"}  # in the order of legends
# the word before the colon of a teacher that is no single run
_BY_TEACHER = {"ensemble": "ensemble", "peer": "online", "born_again": "self", "ema": "self"}


class LossTerm(NamedTuple):
    """A term: its method by its name in the catalog, its weight, and its knobs."""

    method: str
    weight: float
    params: Mapping[str, Any]

    @property
    def temperature(self) -> float | None:
        """T of its soft labels on the student's side; None where it softens none."""
        method = METHODS.get(self.method)
        if method is None or not method.softens:
            return None
        return number(self.params.get("temperature", method.params().temperature))

    @property
    def teacher_temperature(self) -> float | None:
        """T on the teacher's side; the student's unless it was set."""
        return number(self.params.get("teacher_temperature")) or self.temperature

    @property
    def title(self) -> str:
        """T 4 for soft labels alone; else the name of its method."""
        if self.method == FIRST and self.temperature is not None:
            return f"T {self.temperature:g}"
        return self.method.replace("_", "-")


class Change(NamedTuple):
    """A number that goes from `start` at the first step to `end` at the last.

    name: temperature, or the curve of the term whose weight it is. kind: linear or cosine.
    """

    name: str
    kind: str
    start: float
    end: float

    @property
    def words(self) -> str:
        """T from 8 to 2 (linear); the weight of feature from 0 to 1 (cosine)."""
        titles = {TEMPERATURE: "T", "soft": "the weight of soft labels"}
        titles["hard"] = "the weight of hard labels"
        title = titles.get(self.name, f"the weight of {self.name.replace('_', ' ')}")
        return f"{title} from {self.start:g} to {self.end:g} ({self.kind})"


def soft_terms(settings: Mapping[str, Any]) -> dict[str, LossTerm]:
    """The terms that the teacher has a part in, by their curves; {} without a teacher."""
    if "student" not in settings:
        return {}
    first = group(settings.get("method"))
    method = str(first.get("name") or EARLY)
    weight = number(settings.get("soft_weight")) or 0.0
    terms = {"soft": LossTerm(method, weight, group(first.get("params")))}
    for name, value in group(settings.get("terms")).items():
        term = group(value)
        weight = number(term.get("weight", 1.0)) or 0.0
        terms[str(name)] = LossTerm(method_of(str(name)), weight, group(term.get("params")))
    return terms


def weights_of(settings: Mapping[str, Any]) -> dict[str, float]:
    """The weight of each term of the loss by the name of its curve, the hard labels last."""
    if settings.get("stage") == "pretrain":
        return {"masked": 1.0, "next_ad": number(settings.get("next_ad_weight")) or 0.0}
    if "student" not in settings:
        return {"hard": 1.0}
    weights = {name: term.weight for name, term in soft_terms(settings).items()}
    return weights | {"hard": number(settings.get("hard_weight")) or 0.0}


def described(settings: Mapping[str, Any]) -> str:
    """A run without a title: its model, and how that was trained."""
    model = group(settings.get("student")) or group(settings.get("model"))
    stage, name = settings.get("stage"), str(model.get("name") or "") or "model"
    if stage == "teach":  # a classifier that another tool trained
        return f"{last_part(str(model.get('checkpoint') or ''))} · its own head"
    title = STUDENTS[name].title if name in STUDENTS else name
    if "student" not in settings:
        how = {"pretrain": "pretrained", "multitask": "several tasks"}.get(
            str(stage), "labels only"
        )
        return f"{title} · {how}"
    how = " + ".join(term.title for term in soft_terms(settings).values())
    return f"{title} · distilled, {how}"


def changes_of(settings: Mapping[str, Any]) -> list[Change]:
    """The schedules of a run that change something, the temperature's first."""
    terms = soft_terms(settings)
    starts: dict[str, float | None] = {name: term.weight for name, term in terms.items()}
    starts["hard"] = number(settings.get("hard_weight"))
    starts[TEMPERATURE] = next((t.temperature for t in terms.values() if t.temperature), None)
    changes = []
    for name, value in group(settings.get("schedules")).items():
        schedule = group(value)
        kind = str(schedule.get("kind") or "linear")
        start, end = starts.get(str(name)), number(schedule.get("end", 0.0))
        if kind != "constant" and start is not None and end is not None and start != end:
            changes.append(Change(str(name), kind, start, end))
    return sorted(changes, key=lambda change: (change.name != TEMPERATURE, change.name))


def family_of(settings: Mapping[str, Any]) -> str:
    """The family of a run's settings; "" where nothing was trained, or by no known method.

    A teacher that is no single run decides; else a loss of response and one method more is of that
    method's family, and of two more it is several. Terms of weight 0 do not count.
    """
    if settings.get("stage") in ("finetune", "multitask"):
        return "labels"
    if family := _BY_TEACHER.get(str(settings.get("teacher") or "").partition(":")[0]):
        return family
    terms = [term for term in soft_terms(settings).values() if term.weight]
    methods = dict.fromkeys(term.method for term in terms if term.method != FIRST)
    if len(methods) > 1:
        return SEVERAL
    family = next(iter(methods), FIRST if soft_terms(settings) else "")
    return family if family in FAMILIES else ""


def teachers_of(folder: Path, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The runs that teach, by id or folder: those that the settings name, or that the run made.

    Of its own earlier generations it is the last.
    """
    teacher = read_teacher(str(settings.get("teacher") or ""))
    if teacher is None or teacher.kind != "born_again":
        return teacher.runs if teacher else ()
    return read_made(folder)[-1:]


def read_made(folder: Path) -> tuple[str, ...]:
    """The runs that a run made for its own training, in order; none before it has begun."""
    runs = read_json(folder / MADE).get("runs")
    return tuple(map(str, runs)) if isinstance(runs, list) else ()


def read_leader(folder: Path) -> str:
    """The run in whose steps this one learns; "" for most."""
    return str(read_json(folder / MADE).get("leader") or "")


def write_made(folder: Path, runs: Sequence[str], leader: str = "") -> None:
    """Write down the runs that a run made for its own training, or the run that made it."""
    leads = {"leader": leader} if leader else {}
    write_json_atomic(folder / MADE, {"runs": list(runs), **leads})


def group(value: Any) -> Mapping[str, Any]:
    """A group of settings; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def number(value: Any) -> float | None:
    """A number; None for anything else."""
    return value if isinstance(value, (int, float)) else None
