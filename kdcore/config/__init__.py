"""Frozen configs, one per stage, checked at birth, read from and written as YAML and JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kdcore.config.base import MOST_RANKS as MOST_RANKS
from kdcore.config.distill import DistillConfig as DistillConfig
from kdcore.config.finetune import FinetuneConfig as FinetuneConfig
from kdcore.config.groups import MethodConfig as MethodConfig
from kdcore.config.groups import ModelConfig as ModelConfig
from kdcore.config.groups import ScheduleConfig as ScheduleConfig
from kdcore.config.groups import TermConfig as TermConfig
from kdcore.config.groups import TrainingConfig as TrainingConfig
from kdcore.config.groups import method_of as method_of
from kdcore.config.multitask import MultitaskConfig as MultitaskConfig
from kdcore.config.multitask import TaskConfig as TaskConfig
from kdcore.config.multitask import with_named_tasks as with_named_tasks
from kdcore.config.order import OrderConfig as OrderConfig
from kdcore.config.pretrain import PretrainConfig as PretrainConfig
from kdcore.config.scoring import InferConfig as InferConfig
from kdcore.config.scoring import TeachConfig as TeachConfig
from kdcore.config.teacher import TeacherConfig as TeacherConfig
from kdcore.config.teacher import teacher_misfit as teacher_misfit
from kdcore.config.terms import with_named_terms as with_named_terms
from kdcore.errors import ConfigError
from kdcore.knobs import build, plain
from kdcore.yaml_text import LONGEST, read_yaml

# settings of how a training is watched and stored, which change nothing of what is learned
UNSEEN_BY_THE_MODEL = ("checkpoint_seconds", "replay_points", "log_every")
TrainedConfig = FinetuneConfig | DistillConfig | PretrainConfig  # stages in which a model learns
StageConfig = TrainedConfig | InferConfig | TeachConfig
STAGES: dict[str, type[StageConfig]] = {
    "pretrain": PretrainConfig,
    "finetune": FinetuneConfig,
    "multitask": MultitaskConfig,  # a FinetuneConfig with more tasks
    "infer": InferConfig,
    "teach": TeachConfig,
    "distill": DistillConfig,
}
_NEWER = {"log_every": 20, "validations": 1, "strip_accents": False}
# left out of a written config at these values, so that an old one is written back as it was
_UNWRITTEN: dict[str, Any] = {
    "target_weight": 1.0,
    "other_weight": 8.0,
    "between_weight": 1.0,
    "within_weight": 1.0,
    "terms": {},
    "schedules": {},
    "layers_from": [],
    "order": plain(OrderConfig()),
    "on": "",
    "shard_rows": 50_000,
    "top_k": 20,
    "from_shards": False,
}


def from_dict(data: Mapping[str, Any]) -> StageConfig:
    """Build a stage's config from plain data; raises ConfigError with every problem at once."""
    data = with_named_tasks(with_named_terms(data))
    stage = data.get("stage")
    if stage not in STAGES:
        raise ConfigError(
            "This config cannot be used:", [f"stage: {stage!r} is not one of {', '.join(STAGES)}"]
        )
    return build(STAGES[stage], data)


def to_dict(config: Any) -> dict[str, Any]:
    """Return plain data that from_dict reads back."""
    return _without(plain(config), _UNWRITTEN)


def without_newer(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config's data without newer knobs that have their defaults."""
    return _without(data, _NEWER)


def _without(data: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data without the keys that have these values, at any depth."""
    return {
        key: _without(value, defaults) if isinstance(value, Mapping) else value
        for key, value in data.items()
        if key not in defaults or value != defaults[key]
    }


def load(path: Path) -> StageConfig:
    """Read a stage's config from a YAML or JSON file."""
    return from_dict(read_settings(path))


def read_settings(path: Path) -> dict[str, Any]:
    """Read the settings of a YAML or JSON file, unchecked."""
    try:
        with path.open(encoding="utf-8") as file:
            data = read_yaml(file.read(LONGEST + 1))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as cause:
        raise ConfigError(f"{path} cannot be read as YAML:", [str(cause)]) from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no settings:", ["write `stage: distill` and so on"])
    return data


def to_yaml(config: Any) -> str:
    """Write the config as YAML, in the order in which it is declared."""
    return yaml.safe_dump(to_dict(config), sort_keys=False)
