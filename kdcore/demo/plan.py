"""What the demo is made of: one teacher, and each student twice, with and without it."""

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

TEACHER = "teacher"


@dataclass(frozen=True)
class Pupil:
    """A student of the demo: its name in run ids, what it is, and how both twins are trained."""

    name: str
    title: str
    model: str  # as --model takes it
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hard(self) -> str:
        """The run that learned from labels alone."""
        return f"{self.name}-hard"

    @property
    def distilled(self) -> str:
        """The run that the teacher taught."""
        return f"{self.name}-kd"


@dataclass(frozen=True)
class Stage:
    """One run of the demo: its id, what a person calls it, its config, and the run it waits for."""

    id: str
    title: str
    config: FinetuneConfig | DistillConfig
    after: str = ""


# Small enough that all of them, as half-precision weights, fit beside their answers in 40 MB.
# Each twin keeps its own best epoch by the order of the validation pairs, which is what they are
# compared in: by likelihood the one without a teacher would stop early, two points of AUC lower.
_LONG = {"epochs": 8, "select_by": "roc_auc"}
PUPILS = (
    Pupil("cdssm", "C-DSSM", "cdssm:filters=96,semantic=64,shared=true", _LONG | {"epochs": 20}),
    Pupil("twinbert_cos", "TwinBERT cosine", "twinbert_cos:vocabulary=3000", _LONG),
    Pupil("twinbert_res", "TwinBERT residual", "twinbert_res:vocabulary=3000,combine=max", _LONG),
    Pupil("bert", "BERT-2", "bert:layers=2,vocabulary=3000", _LONG),
)


@dataclass(frozen=True, kw_only=True)
class DemoPlan:
    """Everything that decides what the demo becomes.

    The teacher learns from many labels, the students from the first few of them. Twins share
    model, pairs, seed and steps; the teacher's answers are all that one of them has more.
    """

    seed: int = 0
    device: str = "auto"
    threads: int = 1  # of each training; the same whatever runs beside it, so results repeat
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
        """12 hex digits that differ when the demo would."""
        stages = [without_newer(to_dict(stage.config)) for stage in self.stages()]
        text = json.dumps([stages, self.masked], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def stages(self) -> tuple[Stage, ...]:
        """Every run: the longest first, then the twins without a teacher, then those with one."""
        teacher = FinetuneConfig(
            data=self.teacher_data,
            model=ModelConfig.parse(self.teacher),
            training=self._training(self.teacher_training),
            **self._common(),
        )
        how = f"distilled, T {self.temperature:g}"
        return (
            Stage(TEACHER, self.teacher_title, teacher),
            *(Stage(p.hard, f"{p.title} · labels only", self._hard(p)) for p in self.pupils),
            *(
                Stage(p.distilled, f"{p.title} · {how}", self._distilled(p), TEACHER)
                for p in self.pupils
            ),
        )

    def _hard(self, pupil: Pupil) -> FinetuneConfig:
        return FinetuneConfig(
            data=self.data,
            limit=self.limit,
            model=ModelConfig.parse(pupil.model),
            training=self._training(pupil.training),
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
            training=self._training(pupil.training),
            **self._common(),
        )

    def _training(self, given: Mapping[str, Any]) -> TrainingConfig:
        return TrainingConfig(**{"replay_points": self.replay_points, **given})

    def _common(self) -> dict[str, Any]:
        return {"seed": self.seed, "device": self.device, "threads": self.threads}
