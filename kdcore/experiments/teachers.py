"""Trainings of a teacher: two sizes as plain data, and the config of one with some changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kdcore.config import FinetuneConfig, ModelConfig
from kdcore.errors import lookup
from kdcore.experiments.changes import changed, differences


@dataclass(frozen=True)
class TeacherPreset:
    """A training that makes sense as it stands; model: its short text; settings: by path."""

    title: str
    summary: str
    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)


_WATCHED = {"training.log_every": 5, "training.validations": 2, "training.replay_points": 40}
TEACHER_PRESETS: dict[str, TeacherPreset] = {
    "small": TeacherPreset(
        title="Small",
        summary="BERT-3 learns from 4,000 labelled pairs at most: a teacher for a first try.",
        model="bert_teacher:vocabulary=3000",
        settings=_WATCHED | {"limit": 4_000, "training.select_by": "roc_auc"},
    ),
    "full": TeacherPreset(
        title="Full",
        summary="BERT-3 learns from all labelled pairs: slower, and the better teacher.",
        model="bert_teacher",
        settings=_WATCHED | {"training.select_by": "roc_auc"},
    ),
}


def config_of(preset: str, changes: Mapping[str, Any] | None = None) -> FinetuneConfig:
    """A preset's config with some settings changed; ConfigError names every problem by its path."""
    entry = lookup(TEACHER_PRESETS, preset, "teacher preset")
    start = FinetuneConfig(model=ModelConfig.parse(entry.model))
    return changed(changed(start, entry.settings), changes or {})


def changed_from(preset: str, config: FinetuneConfig) -> dict[str, Any]:
    """What differs from a preset, by path: config_of(preset, these) == config."""
    return differences(config_of(preset), config)
