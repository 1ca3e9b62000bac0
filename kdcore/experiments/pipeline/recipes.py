"""The recipes of the tutorial: their stages, and their data, models and training in two sizes.

*relevance* is knowledge distillation for search relevance after arXiv 1901.10710, *adsbert* the
tutorial's AdsBERT. The sizes, models and schedules are ours.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kdcore.config import from_dict, to_dict
from kdcore.config.groups import ModelConfig
from kdcore.experiments.pipeline.settings import with_settings
from kdcore.experiments.pipeline.stages import PLACE, Stage, Variant

# the parts of a recipe that may be left out, each with what its absence means
PARTS = {
    "pretrain": "no pretraining: the teacher starts from random weights",
    "multitask": "no multi-task learning: the teacher learns relevance alone",
    "log": "no log: the students learn from the labelled pairs alone",
    "label_aware": "no label-aware step: the students end with the log",
    "labels": "no students on labels alone, so nothing shows what the teacher added",
}
ABLATED = ("pretrain", "multitask", "log", "label_aware")
_SELECT = {"select_by": "roc_auc"}
_ENDS = ("_labels", "_log", "")  # of the names of a student's stages
_CDSSM = "cdssm:filters=96,semantic=64,shared=true"
_TWINBERT = "twinbert_cos:vocabulary=3000"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One size of a recipe: its data, models and training.

    data: the bundled world in these sizes. limit: pairs of train and of validation of other data.
    models: short texts by name, "teacher" and each student. training: what differs from the usual
    schedule of a model, by kind of stage: pretrain, teacher, log, end, labels. task_weight: of each
    task beside relevance in a multi-task fine-tuning; at 1 the teacher loses ROC-AUC (measured).
    """

    data: str
    limit: int
    models: Mapping[str, str]
    training: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    task_weight: float = 0.2


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A recipe of the tutorial: its title, what it does, its parts, and its two sizes.

    without_log: what it does where no log is read.
    """

    name: str
    title: str
    sentence: str
    without_log: str
    parts: tuple[str, ...]
    small: Preset
    full: Preset


_STUDENT_TRAINING = {
    "log": {"epochs": 6} | _SELECT,
    "end": {"epochs": 4} | _SELECT,
    "labels": {"epochs": 12} | _SELECT,
}
RECIPES = {
    "relevance": Recipe(
        name="relevance",
        title="Distillation for search relevance",
        sentence="A teacher learns from labels and scores labelled and unlabelled pairs; a two-"
        "tower student learns from the scored log, then from scores and labels together.",
        without_log="A teacher learns from labels and scores the labelled pairs; a two-tower "
        "student learns from scores and labels together.",
        parts=("log", "label_aware", "labels"),
        small=Preset(
            data="world:log=8000,train=2000,validation=1000,test=4000",
            limit=2_000,
            models={"teacher": "bert_teacher", "student": _TWINBERT},
            training=_STUDENT_TRAINING,
        ),
        full=Preset(
            data="world:log=100000",
            limit=0,
            models={"teacher": "bert_teacher:dropout=0.1", "student": _TWINBERT},
            training=_STUDENT_TRAINING,
        ),
    ),
    "adsbert": Recipe(
        name="adsbert",
        title="AdsBERT",
        sentence="A teacher is pretrained on the log without labels and learns several tasks; "
        "C-DSSM and TwinBERT learn from its scores of the log, then from scores and labels "
        "together.",
        without_log="A teacher learns from labels and scores the labelled pairs; C-DSSM and "
        "TwinBERT learn from scores and labels together.",
        parts=("pretrain", "multitask", "log", "label_aware", "labels"),
        small=Preset(
            data="world:log=12000,train=2000,validation=1000,test=4000",
            limit=2_000,
            models={"teacher": "bert_teacher", "cdssm": _CDSSM, "twinbert": _TWINBERT},
            training=_STUDENT_TRAINING
            | {"pretrain": {"epochs": 6}, "teacher": {"epochs": 12} | _SELECT},
        ),
        full=Preset(
            data="world:log=100000",
            limit=0,
            models={
                "teacher": "bert_teacher:dropout=0.1",
                "cdssm": _CDSSM,
                "twinbert": _TWINBERT,
            },
            training=_STUDENT_TRAINING | {"pretrain": {"epochs": 3}, "teacher": _SELECT},
        ),
    ),
}


@dataclass(frozen=True)
class Builder:
    """Makes the stages of a recipe from a preset, with some parts.

    common: settings that every stage shares. sets: values of a stage's settings by their path, by
    its name; those of "models" are models by their names. scored: the splits that the teacher
    scores for the students. pretrained: the split that a teacher is pretrained on.
    """

    preset: Preset
    common: Mapping[str, Any]
    scored: tuple[str, ...]
    sets: Mapping[str, Mapping[str, Any]]
    pretrained: str = "log"

    def stages(self, parts: Collection[str]) -> Iterator[Stage]:
        """The stages in an order in which they can run: the teacher, its scores, the students."""
        yield from self._twins(parts)
        yield from self._teacher(parts)
        teacher = teacher_stage(parts)
        log = " and the log" if "log" in self.scored else ""
        yield self._stage(
            "scores",
            "infer",
            {"run": PLACE + teacher, "splits": list(self.scored), "precision": "fast"},
            title="Scores of the teacher",
            sentence=f"The teacher scores the labelled pairs{log}, once for all students.",
        )
        for student in self.students:
            yield from self._student(student, teacher, parts)

    @property
    def students(self) -> tuple[str, ...]:
        """The names of the students."""
        return tuple(name for name in self.preset.models if name != "teacher")

    def variant(self, name: str, parts: Collection[str]) -> Variant:
        """Which stages give the models of the recipe with these parts."""
        finals = {each: final_stage(each, parts) for each in self.students}
        twins = {each: f"{each}_labels" for each in self.students if "labels" in parts}
        title = PARTS[name].partition(":")[0] if name else "the whole recipe"
        return Variant(
            name=name, title=title, teacher=teacher_stage(parts), finals=finals, twins=twins
        )

    def _model(self, name: str) -> dict[str, Any]:
        spec = self.sets.get("models", {}).get(name, self.preset.models[name])
        return to_dict(ModelConfig.parse(str(spec)))

    def _teacher(self, parts: Collection[str]) -> Iterator[Stage]:
        model = self._model("teacher")
        if "pretrain" in parts:
            yield self._stage(
                "pretrain",
                "pretrain",
                {"model": model, "split": self.pretrained},
                training="pretrain",
                title="Pretraining",
                sentence="The teacher's encoder learns hidden words, and which ad was shown for a "
                "query, without a label.",
            )
            model = model | {"start_from": f"{PLACE}pretrain"}
        if "multitask" in parts:
            yield self._stage(
                "multitask",
                "multitask",
                {"model": model, "task_weight": self.preset.task_weight},
                training="teacher",
                role="teacher",
                title="Teacher of all tasks",
                sentence="One encoder with a head for each task learns from all labels.",
            )
        else:
            yield self._stage(
                "teacher",
                "finetune",
                {"model": model},
                training="teacher",
                role="teacher",
                title="Teacher",
                sentence="The teacher reads query and ad together and learns from the labels.",
            )

    def _twins(self, parts: Collection[str]) -> Iterator[Stage]:
        for student in self.students if "labels" in parts else ():
            yield self._stage(
                f"{student}_labels",
                "finetune",
                {"model": self._model(student)},
                training="labels",
                role="twin",
                student=student,
                title=f"{_name(student)} on labels alone",
                sentence="The same student without a teacher: what the recipe has to beat.",
            )

    def _student(self, student: str, teacher: str, parts: Collection[str]) -> Iterator[Stage]:
        model, twin = self._model(student), f"{student}_labels" if "labels" in parts else ""
        learning = {"teacher": PLACE + teacher, "student": model}
        scored: dict[str, Any] = {"student": student, "role": "student", "after": ("scores",)}
        if "log" in parts:
            yield self._stage(
                f"{student}_log",
                "distill",
                learning | {"transfer": "log", "hard_weight": 0.0},
                training="log",
                before=twin,
                title=f"{_name(student)} on the log",
                sentence="The student learns the teacher's soft labels of unlabelled pairs.",
                **scored,
            )
            learning["student"] = model | {"start_from": f"{PLACE}{student}_log"}
            twin = f"{student}_log"
        if "label_aware" in parts:
            yield self._stage(
                student,
                "distill",
                learning | {"method": {"name": "label_aware"}, "hard_weight": 0.0},
                training="end" if "log" in parts else "labels",
                before=twin,
                title=f"{_name(student)}, label-aware",
                sentence="Labels and scores of the labelled pairs together; a pair counts more "
                "where they agree (our own weighting).",
                **scored,
            )
        elif "log" not in parts:
            yield self._stage(
                student,
                "distill",
                learning,
                training="labels",
                before=twin,
                title=f"{_name(student)}, distilled",
                sentence="The student learns the teacher's soft labels of the labelled pairs.",
                **scored,
            )

    def _stage(
        self, name: str, kind: str, settings: Mapping[str, Any], training: str = "", **words: Any
    ) -> Stage:
        """A stage with its full settings: the preset's, then what was set."""
        given: dict[str, Any] = {"stage": kind, **self.common, **settings}
        if training:
            given["training"] = dict(self.preset.training.get(training, {}))
        config = with_settings(from_dict(given), self.sets.get(name, {}), name)
        return Stage(name=name, settings=to_dict(config), **words)


def stage_names(recipe: Recipe) -> tuple[str, ...]:
    """The name of every stage that a recipe can have, with any of its parts."""
    students = [name for name in recipe.full.models if name != "teacher"]
    own = [part for part in ("pretrain", "multitask") if part in recipe.parts]
    return (*own, "teacher", "scores", *(f"{s}{end}" for s in students for end in _ENDS))


def teacher_stage(parts: Collection[str]) -> str:
    """The stage whose model teaches."""
    return "multitask" if "multitask" in parts else "teacher"


def final_stage(student: str, parts: Collection[str]) -> str:
    """The stage that gives a student's last model."""
    return f"{student}_log" if "log" in parts and "label_aware" not in parts else student


def _name(student: str) -> str:
    return {"cdssm": "C-DSSM", "twinbert": "TwinBERT"}.get(student, "Student")
