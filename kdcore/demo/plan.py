"""Plan the demo: one teacher, and each student twice, with and without the teacher."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    MethodConfig,
    ModelConfig,
    TrainingConfig,
    to_dict,
    without_newer,
)
from kdcore.data.names import world_log
from kdcore.runs.twins import twin_of

TEACHER = "teacher"


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


@dataclass(frozen=True)
class Stage:
    """One run of the demo: its id, its title, its config, and the run that must end before it."""

    id: str
    title: str
    config: FinetuneConfig | DistillConfig
    after: str = ""


# Small enough that all of them, in half precision, fit with their predictions in 40 MB. Each twin
# is saved at its best epoch by validation ROC-AUC, in which they are compared: by likelihood the
# one without a teacher would stop early, two points of AUC lower.
_LONG = {"epochs": 8, "select_by": "roc_auc"}
PUPILS = (
    Pupil("cdssm", "C-DSSM", "cdssm:filters=96,semantic=64,shared=true", _LONG | {"epochs": 20}),
    Pupil("twinbert_cos", "TwinBERT cosine", "twinbert_cos:vocabulary=3000", _LONG),
    Pupil("twinbert_res", "TwinBERT residual", "twinbert_res:vocabulary=3000,combine=max", _LONG),
    Pupil("bert", "BERT-2", "bert:layers=2,vocabulary=3000", _LONG),
)


@dataclass(frozen=True, kw_only=True)
class DemoPlan:
    """Everything that determines the demo.

    The teacher learns from many labels, the students from the first few of them and, where the
    teacher helps, from its soft labels on these and on a log. Twins share model, seed and steps.
    """

    seed: int = 0
    device: str = "auto"
    threads: int = 1  # per training, so that results repeat whatever else runs
    data: str = "world"
    limit: int = 5_000
    teacher_data: str = "world:train=240000"
    teacher: str = "bert_teacher:dropout=0.1"
    teacher_title: str = "BERT-3 teacher"
    teacher_training: Mapping[str, Any] = field(default_factory=lambda: {"epochs": 2})
    pupils: tuple[Pupil, ...] = PUPILS
    temperature: float = 2.0
    hard_weight: float = 0.1
    replay_points: int = 40
    masked: bool = True

    @property
    def key(self) -> str:
        """12 hex digits that change when the demo would."""
        stages = [without_newer(to_dict(stage.config)) for stage in self.stages()]
        text = json.dumps([stages, self.masked], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

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
        return (
            Stage(TEACHER, self.teacher_title, teacher),
            *(Stage(p.hard, f"{p.title} · labels only", self._twin(c)) for p, c in students),
            *(Stage(p.distilled, f"{p.title} · {how}", c, TEACHER) for p, c in students),
        )

    def _twin(self, config: DistillConfig) -> FinetuneConfig:
        """Train on labels alone, in as many steps as the log brings the distilled one."""
        log, _ = world_log(self.data)
        return twin_of(config, self.limit + log, self.limit) if log else twin_of(config)

    def _distilled(self, pupil: Pupil) -> DistillConfig:
        return DistillConfig(
            teacher=TEACHER,
            data=self.data,
            limit=self.limit,
            student=ModelConfig.parse(pupil.model),
            method=MethodConfig(params={"temperature": self.temperature}),
            hard_weight=self.hard_weight,
            transfer="train+log" if world_log(self.data)[0] else "train",
            training=self._training(pupil.training),
            **self._common(),
        )

    def _training(self, given: Mapping[str, Any]) -> TrainingConfig:
        return TrainingConfig(**{"replay_points": self.replay_points, **given})

    def _common(self) -> dict[str, Any]:
        return {"seed": self.seed, "device": self.device, "threads": self.threads}
