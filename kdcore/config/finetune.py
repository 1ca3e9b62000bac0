"""FinetuneConfig: a model learns hard labels."""

from dataclasses import dataclass, field

from kdcore.config.base import Stage
from kdcore.config.groups import ModelConfig, TrainingConfig, check
from kdcore.knobs import choice, knob


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig(Stage):
    """Train a model on hard labels: a teacher, or a student's twin without a teacher."""

    stage: str = choice("finetune", "the stage", options=("finetune",))
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: str = choice(
        "ce",
        "ce: cross-entropy; mse: squared error of relevance, the KDD 2022 tutorial's",
        options=("ce", "mse"),
    )
    label_smoothing: float = knob(0.0, "share of each label spread evenly", low=0, high=0.99)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        problems = self.problems()
        if self.loss == "mse" and self.label_smoothing:
            problems.append("label_smoothing: has no place in mse; set it to 0, or loss to ce")
        check(problems)
        object.__setattr__(self, "training", self.training.suited_to(self.model))
