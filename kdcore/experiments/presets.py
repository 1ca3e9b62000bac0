"""Presets: a whole distillation under one name, as plain data, and what was changed in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kdcore.config import DistillConfig, ModelConfig
from kdcore.errors import lookup
from kdcore.experiments.changes import changed, differences

TEACHER = "teacher"  # the run of this name in the bundled demo


@dataclass(frozen=True)
class Preset:
    """A start that makes sense as it stands.

    student: short text of a model. settings: values by path that differ from a config's defaults.
    teacher: the run of the demo that it is meant for. promise: what to expect, without a number
    that was not measured here.
    """

    title: str
    summary: str
    student: str
    promise: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    teacher: str = TEACHER


_WATCHED = {
    "training.log_every": 5,
    "training.validations": 2,
    "training.replay_points": 40,
}

PRESETS: dict[str, Preset] = {
    "sixty_seconds": Preset(
        title="A student in 60 seconds",
        summary="TwinBERT cosine learns from 2,000 pairs that the bundled teacher has scored.",
        student="twinbert_cos:vocabulary=3000",
        promise="About a minute on a GPU; see the estimate for this machine. With as few pairs as "
        "these a teacher helps most: tried on the bundled world, the student was better than its "
        "twin.",
        settings=_WATCHED | {"limit": 2_000, "training.epochs": 5, "training.select_by": "roc_auc"},
    ),
    "classroom_cpu": Preset(
        title="Classroom on a CPU",
        summary="The demo's own student, small enough for a lesson without a GPU.",
        student="twinbert_cos:vocabulary=3000",
        promise="Student and twin train one after the other, in a few minutes on two CPU cores. "
        "Tried on the bundled world, the student was better than its twin; your result comes with "
        "its own interval.",
        settings=_WATCHED | {"limit": 4_000, "training.epochs": 6, "training.select_by": "roc_auc"},
    ),
    "tutorial_replica": Preset(
        title="The tutorial's replica",
        summary="The KDD 2022 tutorial's student: BERT-Tiny's size, one shared encoder, cosine, "
        "squared error against the teacher's probability, no temperature, no labels.",
        student="twinbert_cos:layers=2,hidden=128,heads=2,pooling=cls,query_tokens=9,ad_tokens=24",
        promise="The tutorial's losses, lengths, batch, step size and epochs. Unlike there, the "
        "student starts from random weights, and validation, not test, selects the epoch, so its "
        "figures are its own. On data of two grades set head to half_cosine, the tutorial's "
        "(cos + 1) / 2; the world has four.",
        settings=_WATCHED
        | {
            "method.params.loss": "mse_probabilities",
            "method.params.temperature": 1.0,
            "soft_weight": 1.0,
            "hard_weight": 0.0,
            "training.epochs": 10,
            "training.batch_size": 512,
            "training.learning_rate": 1e-4,
        },
    ),
    "paper_twinbert": Preset(
        title="The paper's TwinBERT",
        summary="Letter trigrams and a weighted pooling under a cosine, in the size of Microsoft's "
        "later public settings.",
        student="twinbert_cos:units=trigrams,layers=3,hidden=768,heads=8,inner=3072,"
        "query_tokens=16,ad_tokens=16,vocabulary=49292",
        promise="Shape, batch and step size of Microsoft's later public TwinBERT: one shared "
        "encoder of 3 layers, 768 wide, 16 tokens a side. The data and the pretrained start are "
        "not here, temperature and weights are this lab's; it wants a GPU, and no figure of the "
        "paper is promised.",
        settings=_WATCHED | {"training.batch_size": 512, "training.learning_rate": 1e-4},
    ),
}


def preset_entry(name: str) -> Preset:
    """The preset of a name; a typo is answered with the nearest one."""
    return lookup(PRESETS, name, "preset")


def config_of(preset: str, changes: Mapping[str, Any] | None = None) -> DistillConfig:
    """A preset's config with some settings changed; every problem at once, beside its path.

    changes: values by path, for instance {"method.params.temperature": 4, "student.name":
    "cdssm"}; another student or method starts from its own defaults.
    """
    entry = preset_entry(preset)
    start = DistillConfig(teacher=entry.teacher, student=ModelConfig.parse(entry.student))
    return changed(changed(start, entry.settings), changes or {})


def changed_from(preset: str, config: DistillConfig) -> dict[str, Any]:
    """What differs from a preset, by path: config_of(preset, these) == config."""
    return differences(config_of(preset), config)
