"""PretrainConfig: a BERT learns the language of queries and ads before it sees a grade."""

from dataclasses import dataclass, field
from typing import ClassVar

from kdcore.config.base import Stage
from kdcore.config.groups import ModelConfig, TrainingConfig, check
from kdcore.knobs import choice, knob, text

READERS = ("bert", "checkpoint")  # models that read query and ad as one sequence


def _default_model() -> ModelConfig:
    return ModelConfig.parse("bert_teacher")


@dataclass(frozen=True, kw_only=True)
class PretrainConfig(Stage):
    """Train a BERT on hidden words and on which ad was shown for a query; no grade is read.

    Hidden words: Devlin et al. 2019 (arXiv:1810.04805), on the whole pair. Next-ad prediction is
    ours: it takes the place of BERT's next sentence.
    """

    gives_grades: ClassVar[bool] = False

    data: str = text("world:log=20000", "a data set of the lab, or a path to one")
    stage: str = choice("pretrain", "the stage", options=("pretrain",))
    model: ModelConfig = field(default_factory=_default_model)
    split: str = choice(
        "log",
        "pairs learned from: the unlabelled log, those of train, or both",
        options=("log", "train", "train+log"),
    )
    mask_share: float = knob(0.15, "share of the tokens that are hidden", low=0.01, high=0.9)
    next_ad_weight: float = knob(
        1.0,
        "weight of next-ad prediction (ours): was this ad shown for the query, or for another "
        "query of the batch? 0 leaves it out",
        low=0,
        high=1000,
    )
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        problems, training = self.problems(), self.training
        if self.model.name not in READERS:
            problems.append(
                f"model: {self.model.name} reads query and ad separately, but pretraining needs "
                "a model that reads them as one sequence: choose bert_teacher, bert, or the "
                "folder of a BERT"
            )
        if training.select_by == "roc_auc":
            problems.append(
                "training.select_by: there are no grades to order by; choose nll, which here "
                "means the validation loss"
            )
        if training.replay_points:
            problems.append("training.replay_points: there are no answers to replay; set it to 0")
        check(problems)
        object.__setattr__(self, "training", training.suited_to(self.model))

    @property
    def transfer(self) -> str:
        """The splits learned from, under the name that a distillation gives them."""
        return self.split
