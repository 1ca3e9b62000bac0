"""RunFacts: what a run's folder says about the run.

Only here are config.json, provenance.json and notes.json of a run read; record.py reads its
status.json, metric_lines.py its metrics. A file is read once, when it is first needed. What an
earlier version did not write down is empty. A damaged file never raises an error: `problem` says
what is wrong with config.json or status.json.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

from kdcore.config import STAGES, UNSEEN_BY_THE_MODEL, StageConfig, from_dict
from kdcore.errors import RunError
from kdcore.runs.loss_terms import (
    LossTerm,
    described,
    family_of,
    group,
    number,
    soft_terms,
    teachers_of,
    weights_of,
)
from kdcore.runs.metric_lines import read_lines, saved_validation, task_curves
from kdcore.runs.purpose import ROLE_OF_STAGE, Purpose
from kdcore.runs.record import CONFIG, NOTES, Record
from kdcore.workspace import read_json

PROVENANCE = "provenance.json"
CARD = "README.md"


class SplitSize(NamedTuple):
    """How many pairs a split had, and their content hash."""

    pairs: int
    content_hash: str


@dataclass(frozen=True)
class RunFacts:
    """What is known of one run.

    settings: config.json as it was written, for showing and copying; `config` is the same, checked
    and typed. created: seconds since the epoch. problem: why the folder cannot be read; such a run
    is "broken".
    """

    folder: Path
    settings: Mapping[str, Any] = field(hash=False)
    title: str = ""
    created: float = 0.0
    problem: str = ""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder; damage is kept as `problem` and never raised."""
        settings: dict[str, Any] = {}
        try:
            settings = _read_settings(folder / CONFIG)
            record = Record.read(folder)
        except RunError as cause:
            with suppress(OSError):
                return cls(folder, settings, created=folder.stat().st_mtime, problem=str(cause))
            return cls(folder, settings, problem=str(cause))
        return cls(folder, settings, record.title, record.created)

    @property
    def id(self) -> str:
        """The name of the folder."""
        return self.folder.name

    @property
    def config(self) -> StageConfig:
        """The typed config; LabError says why this version cannot use it."""
        if self.problem and not self.settings:
            raise RunError(self.problem)
        return checked(self.settings)

    @property
    def stage(self) -> str:
        """The stage of the config, such as finetune; "" where the config does not say."""
        return str(self.settings.get("stage") or "")

    @property
    def gives_grades(self) -> bool:
        """Whether its model says how relevant an ad is; a pretrained one fills in words only."""
        return self.stage not in STAGES or STAGES[self.stage].gives_grades

    @property
    def is_distilled(self) -> bool:
        """Whether its model learns from a teacher."""
        return "student" in self.settings

    @property
    def is_scoring(self) -> bool:
        """Whether it only scores pairs with a model that another run trained."""
        return self.stage == "infer"

    @property
    def role(self) -> str:
        """As launched; else student when distilled, teacher of some stages, or ""."""
        if self.purpose.role in ("teacher", "twin"):
            return self.purpose.role
        return ROLE_OF_STAGE.get(self.stage, "")

    @property
    def data(self) -> str:
        """The data set, as the config names it."""
        return str(self.settings.get("data") or "")

    @property
    def limit(self) -> int:
        """Pairs of train at most; 0 is all."""
        return _whole(self.settings.get("limit"))

    @property
    def seed(self) -> int:
        """The seed of the training."""
        return _whole(self.settings.get("seed"))

    @property
    def device(self) -> str:
        """The device that was requested."""
        return str(self.settings.get("device") or "auto")

    @property
    def teacher(self) -> str:
        """Who teaches, as the config says it (see config/teacher.py); "" without a teacher."""
        return str(self.settings.get("teacher") or "")

    @property
    def teachers(self) -> tuple[str, ...]:
        """The runs that teach: the id of each, or its folder where it lies elsewhere."""
        return teachers_of(self.folder, self.settings)

    @property
    def scored_run(self) -> str:
        """The run whose model a scoring run uses; "" for a training."""
        return str(self.settings.get("run") or "") if self.is_scoring else ""

    @property
    def model(self) -> Mapping[str, Any]:
        """The trained model as the config describes it: name, params, checkpoint."""
        return group(self.settings.get("student")) or group(self.settings.get("model"))

    @property
    def model_name(self) -> str:
        """The trained model's name in the catalog; "" for a scoring run."""
        return str(self.model.get("name") or "")

    @cached_property
    def soft_terms(self) -> Mapping[str, LossTerm]:
        """The terms of the loss that the teacher has a part in; {} without a teacher."""
        return soft_terms(self.settings)

    @property
    def method(self) -> str:
        """The ways to distill, by their names in the catalog: "response + feature"; or ""."""
        return " + ".join(term.method for term in self.soft_terms.values())

    @cached_property
    def family(self) -> str:
        """The kind of its distillation, a key of FAMILIES; "" where nothing was trained."""
        return family_of(self.settings)

    @property
    def transfer(self) -> str:
        """Which pairs a distilled student learns from: train, log or train+log."""
        return str(self.settings.get("transfer") or "train")

    @property
    def epochs(self) -> float:
        """How often its training goes over every pair."""
        return float(number(group(self.settings.get("training")).get("epochs")) or 0.0)

    @property
    def temperature(self) -> float | None:
        """T of the soft labels on the student's side; None where no term has one."""
        return next((t.temperature for t in self.soft_terms.values() if t.temperature), None)

    @property
    def teacher_temperature(self) -> float | None:
        """T of the soft labels on the teacher's side; the student's unless it was set."""
        terms = self.soft_terms.values()
        return next((t.teacher_temperature for t in terms if t.temperature), None)

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each term of the loss by the name of its curve, the hard labels last."""
        return weights_of(self.settings) | dict.fromkeys(task_curves(self.metric_lines), 1.0)

    @cached_property
    def settings_but_seed(self) -> str:
        """A text that is equal for runs that differ in their seed and their machine alone."""
        own = ("seed", "device", "threads")
        rest = {name: value for name, value in self.settings.items() if name not in own}
        return json.dumps(rest, sort_keys=True, default=str) if self.settings else self.id

    @cached_property
    def twin_group(self) -> str:
        """A hash of model, data, seed and schedule, which a student and its usual twin share.

        It groups runs in a list; what a twin is, kdcore.runs.twins decides.
        """
        shared = {name: self.settings.get(name) for name in ("data", "limit", "seed", "training")}
        shared["model"] = self.settings.get("student") or self.settings.get("model")
        if isinstance(training := shared["training"], Mapping):
            shared["training"] = {k: v for k, v in training.items() if k not in UNSEEN_BY_THE_MODEL}
        text = json.dumps(shared, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def shown_title(self) -> str:
        """What the model is called on the screen: its title, else model and training."""
        return self.title or described(self.settings)

    @cached_property
    def purpose(self) -> Purpose:
        """Why it was made; empty when nothing was written down."""
        return Purpose.read(self.folder)

    @property
    def notes(self) -> tuple[str, ...]:
        """What of its model was replaced and of its texts cut, a sentence each."""
        notes = read_json(self.folder / NOTES).get("notes")
        return tuple(str(note) for note in notes) if isinstance(notes, list) else ()

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Versions, machine and device that made it; empty before it was trained."""
        return read_json(self.folder / PROVENANCE)

    @cached_property
    def splits(self) -> Mapping[str, SplitSize]:
        """Size and content hash of each split that it trained or was tested on."""
        splits = {}
        for name, entry in group(self.provenance.get("pairs")).items():
            with suppress(ValueError, TypeError):
                pairs, content_hash = entry
                splits[name] = SplitSize(int(pairs), str(content_hash))
        return splits

    @cached_property
    def metric_lines(self) -> list[dict[str, float]]:
        """Every whole metric line at the first look, step and time among its numbers."""
        return [line for _, line in read_lines(self.folder)]

    @property
    def saved_line(self) -> Mapping[str, float]:
        """The validation of the step whose model was saved; empty before there is one."""
        return saved_validation(self.metric_lines)

    @property
    def seconds(self) -> float | None:
        """How long the training took; None before its end."""
        lines = reversed(self.metric_lines)
        return next((line["seconds"] for line in lines if "seconds" in line), None)

    @property
    def data_card(self) -> Mapping[str, Any]:
        """Source and terms of the data; an earlier version's run has a line of its README alone."""
        if card := group(self.provenance.get("data")):
            return card
        try:
            lines = (self.folder / CARD).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return {}
        sources = [line[6:] for line in lines if line.startswith("Data: ")]
        return {"source": sources[0]} if sources else {}


def checked(settings: Mapping[str, Any]) -> StageConfig:
    """The typed config of some settings; a list of runs asks for the same ones again and again."""
    return _checked(json.dumps(settings, sort_keys=True, default=str))


@lru_cache(maxsize=4096)
def _checked(settings: str) -> StageConfig:
    return from_dict(json.loads(settings))


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise RunError(f"{path} cannot be read ({cause})") from cause
    if not isinstance(settings, dict):
        raise RunError(f"{path} is no config: it holds {str(settings)[:60]!r}")
    return settings


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
