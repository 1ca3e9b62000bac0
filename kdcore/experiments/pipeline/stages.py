"""Stages of a pipeline as plain data: configs in which the runs of earlier stages have places.

In a stage's settings the text "@teacher" stands for the run of the stage called teacher.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from kdcore.config import StageConfig, from_dict
from kdcore.errors import lookup
from kdcore.knobs import flat

PLACE = "@"  # before the name of the stage whose run stands here


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage: its settings, what it waits for, and what its model is compared with.

    role: teacher, student, twin, or "" where it trains no model of relevance. after: stages that
    end before it begins, beside those whose runs it reads. before: the stage whose model it is
    compared with. student: the branch it belongs to, "" for the teacher's stages.
    """

    name: str
    title: str
    sentence: str
    settings: Mapping[str, Any] = field(hash=False)
    role: str = ""
    after: tuple[str, ...] = ()
    before: str = ""
    student: str = ""

    @property
    def kind(self) -> str:
        """The kind of stage: finetune, infer, distill and so on."""
        return str(self.settings["stage"])

    @cached_property
    def config(self) -> StageConfig:
        """The typed config, with places in it; ConfigError names every problem."""
        return from_dict(self.settings)

    @cached_property
    def inputs(self) -> dict[str, str]:
        """The stages whose runs it reads, by the path of their places in the settings."""
        texts = ((path, value) for path, value in flat(self.settings).items())
        return {p: v[len(PLACE) :] for p, v in texts if isinstance(v, str) and v[:1] == PLACE}

    @property
    def needs(self) -> tuple[str, ...]:
        """Every stage that must be finished before it begins."""
        return tuple(dict.fromkeys((*self.inputs.values(), *self.after)))

    def filled(self, runs: Mapping[str, str]) -> dict[str, Any]:
        """Its settings, with each place replaced by the text of that stage, such as a run's id."""
        filled: dict[str, Any] = _filled(self.settings, runs)
        return filled

    def renamed(self, names: Mapping[str, str], name: str) -> "Stage":
        """The same stage under another name. names: new names of the stages that it reads."""
        places = {old: f"{PLACE}{new}" for old, new in names.items()}
        return replace(
            self,
            name=name,
            settings=_filled(self.settings, places),
            after=tuple(names.get(each, each) for each in self.after),
            before=names.get(self.before, self.before),
        )


def _filled(value: Any, runs: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(inner, runs) for key, inner in value.items()}
    if isinstance(value, str) and value[:1] == PLACE:
        return runs.get(value[len(PLACE) :], value)
    return value


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The whole recipe, or the recipe without one part: which stages give its models.

    name: "" for the whole recipe, else the part that is left out. finals, twins: the last model of
    each student, and the same student trained on labels alone, by the name of the student.
    """

    name: str
    title: str
    teacher: str
    finals: Mapping[str, str] = field(hash=False)
    twins: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The stages of a pipeline, in an order in which they can run, and what they were made from.

    left_out: what the data do not allow, a sentence each. variants: the recipe, then its ablation.
    usual: the recipe's own values of the settings that were changed, by stage.path.
    """

    recipe: str
    title: str
    data: str
    limit: int
    small: bool
    seed: int
    without: tuple[str, ...]
    ablation: bool
    left_out: tuple[str, ...]
    stages: tuple[Stage, ...]
    variants: tuple[Variant, ...]
    usual: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def changed(self, name: str) -> dict[str, Any]:
        """The settings of a stage that differ from the recipe's, by their path in it."""
        paths = (path.partition(".")[::2] for path in self.usual)
        values = flat(self.stage(name).settings)
        return {path: values.get(path) for stage, path in paths if stage == name}

    def stage(self, name: str) -> Stage:
        """A stage by its name; a typo is answered with the nearest one."""
        return lookup({stage.name: stage for stage in self.stages}, name, "stage of this recipe")

    def following(self, names: set[str]) -> set[str]:
        """These stages, and all that read what they make."""
        out = set(names)
        for stage in self.stages:  # in order: what a stage needs stands before it
            if out & set(stage.needs):
                out.add(stage.name)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain data that from_dict reads back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Plan":
        """The plan of plain data, as a pipeline's folder holds it."""
        tuples = {name: tuple(data[name]) for name in ("without", "left_out")}
        stages = tuple(Stage(**{**each, "after": tuple(each["after"])}) for each in data["stages"])
        variants = tuple(Variant(**each) for each in data["variants"])
        return cls(**{**data, **tuples, "stages": stages, "variants": variants})
