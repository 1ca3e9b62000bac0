"""Plan the demo: one teacher, and each student with and without the teacher.

A plan with a log is the recipe *relevance*: the teacher scores the log, the distilled students
learn from its scores, and some of them then from scores and labels together (label-aware).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    MethodConfig,
    ModelConfig,
    TrainingConfig,
    to_dict,
    without_newer,
)
from kdcore.data.names import world_log
from kdcore.runs.twins import twin_of

TEACHER = "teacher"
SCORES = "scores"  # the run in which the teacher scores the pairs that students learn from


@dataclass(frozen=True)
class Pupil:
    """A student of the demo: its name in run ids, its model, and how both twins are trained."""

    name: str
    title: str
    model: str  # as --model takes it
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hard(self) -> str:
        """Id of the run that learned from labels alone."""
        return f"{self.name}-hard"

    @property
    def distilled(self) -> str:
        """Id of the distilled run."""
        return f"{self.name}-kd"

    @property
    def label_aware(self) -> str:
        """Id of the run that goes on from the distilled one with scores and labels together."""
        return f"{self.name}-aware"


@dataclass(frozen=True)
class Stage:
    """One run of the demo: its id, its title, its config, and the runs that must end before it."""

    id: str
    title: str
    config: FinetuneConfig | DistillConfig | InferConfig
    after: tuple[str, ...] = ()

    @property
    def trains(self) -> bool:
        """Whether it gives a model; scores are answers only."""
        return not isinstance(self.config, InferConfig)


# Small enough that all of them, in half precision, fit with their predictions in 40 MB. Each twin
# is saved where its validation ROC-AUC is best, in which they are compared: by likelihood the
# one without a teacher would stop early, two points of AUC lower.
_BY_AREA = {"select_by": "roc_auc"}
_ONCE = _BY_AREA | {"epochs": 1, "validations": 3}
# twice the usual step size: in one pass over the log it is worth two points to both crossings
_TOWERS = _ONCE | {"learning_rate": 2e-3}
PUPILS = (
    Pupil("cdssm", "C-DSSM", "cdssm:filters=64,semantic=64,shared=true", _TOWERS | {"epochs": 2}),
    Pupil("twinbert_cos", "TwinBERT cosine", "twinbert_cos:vocabulary=2000", _TOWERS),
    Pupil("twinbert_res", "TwinBERT residual", "twinbert_res:vocabulary=2000,combine=max", _TOWERS),
    Pupil("bert", "BERT-2", "bert:layers=2,vocabulary=2000", _ONCE),
)


@dataclass(frozen=True, kw_only=True)
class DemoPlan:
    """Everything that determines the demo.

    The teacher learns from many labels, the students from the first few of them or, where the
    teacher helps, from its soft labels of the log. Twins share model, seed and steps. Where `data`
    has no log, the soft labels are of the few labelled pairs.

    label_aware: the pupils that then learn from labels and soft labels together, by the name of
    their branch in the recipe *relevance*. searched: the pupil with which retrieval is measured.
    """

    seed: int = 0
    device: str = "auto"
    threads: int = 1  # per training, so that results repeat whatever else runs
    data: str = "world:log=100000"
    limit: int = 5_000
    teacher_data: str = "world:train=480000"
    teacher: str = "bert_teacher:dropout=0.1,vocabulary=4000"
    teacher_title: str = "BERT-3 teacher"
    teacher_training: Mapping[str, Any] = field(
        default_factory=lambda: {"epochs": 1, "validations": 4}
    )
    pupils: tuple[Pupil, ...] = PUPILS
    label_aware: Mapping[str, str] = field(
        default_factory=lambda: {"cdssm": "cdssm", "twinbert": "twinbert_cos"}
    )
    label_aware_training: Mapping[str, Any] = field(
        default_factory=lambda: _BY_AREA | {"epochs": 4}
    )
    temperature: float = 2.0
    hard_weight: float = 0.0
    replay_points: int = 16
    masked: bool = True
    latency: bool = True
    searched: str = "twinbert_cos"

    @property
    def key(self) -> str:
        """12 hex digits that change when the demo would."""
        stages = [without_newer(to_dict(stage.config)) for stage in self.stages()]
        text = json.dumps([stages, self.masked], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def has_log(self) -> bool:
        """Whether students learn from the log."""
        return world_log(self.data)[0] > 0

    @property
    def models(self) -> tuple[Stage, ...]:
        """The runs that give a model."""
        return tuple(stage for stage in self.stages() if stage.trains)

    def pupil(self, name: str) -> Pupil:
        """A pupil by its name."""
        return next(pupil for pupil in self.pupils if pupil.name == name)

    def stages(self) -> tuple[Stage, ...]:
        """List the runs: the longest first, then twins without a teacher, then those with one."""
        teacher = FinetuneConfig(
            data=self.teacher_data,
            model=ModelConfig.parse(self.teacher),
            training=self._training(self.teacher_training),
            **self._common(),
        )
        students = [(pupil, self._distilled(pupil)) for pupil in self.pupils]
        how = f"distilled, T {self.temperature:g}"
        scores = (Stage(SCORES, "Scores of the teacher", self._scores(), (TEACHER,)),)
        ready = (SCORES,) if self.has_log else (TEACHER,)
        return (
            Stage(TEACHER, self.teacher_title, teacher),
            *(Stage(p.hard, f"{p.title} · labels only", self._twin(c)) for p, c in students),
            *(scores if self.has_log else ()),
            *(Stage(p.distilled, f"{p.title} · {how}", c, ready) for p, c in students),
            *(
                Stage(
                    (pupil := self.pupil(name)).label_aware,
                    f"{pupil.title} · label-aware",
                    self._label_aware(pupil),
                    (pupil.distilled,),
                )
                for name in self.label_aware.values()
            ),
        )

    def _twin(self, config: DistillConfig) -> FinetuneConfig:
        """Train on labels alone, in as many steps as the log brings the distilled one."""
        log, _ = world_log(self.data)
        return twin_of(config, log, self.limit) if log else twin_of(config)

    def _scores(self) -> InferConfig:
        """Score all that a student learns from or is validated on, once for all of them."""
        splits = ("train", "validation", "log")
        return InferConfig(
            run=TEACHER,
            data=self.data,
            limit=self.limit,
            splits=splits,
            precision="fast",
            **self._common(),
        )

    def _distilled(self, pupil: Pupil) -> DistillConfig:
        return DistillConfig(
            teacher=TEACHER,
            data=self.data,
            limit=self.limit,
            student=ModelConfig.parse(pupil.model),
            method=MethodConfig(params={"temperature": self.temperature}),
            hard_weight=self.hard_weight,
            transfer="log" if self.has_log else "train",
            training=self._training(pupil.training),
            **self._common(),
        )

    def _label_aware(self, pupil: Pupil) -> DistillConfig:
        """Go on from the distilled student on the labelled pairs; they are few: no replay."""
        config = self._distilled(pupil)
        return replace(
            config,
            student=replace(config.student, start_from=pupil.distilled),
            method=MethodConfig(name="label_aware"),
            hard_weight=0.0,
            transfer="train",
            training=TrainingConfig(**self.label_aware_training),
        )

    def _training(self, given: Mapping[str, Any]) -> TrainingConfig:
        return TrainingConfig(**{"replay_points": self.replay_points, **given})

    def _common(self) -> dict[str, Any]:
        return {"seed": self.seed, "device": self.device, "threads": self.threads}
