"""The options of `kdlab` that set a knob: the command line reads them, command_line.py writes them.

Help, range and default come from the knob's own declaration.
"""

from dataclasses import Field, dataclass, fields
from typing import Any

from kdcore.catalog import ReadyParams
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    MethodConfig,
    MultitaskConfig,
    OrderConfig,
    PretrainConfig,
    TeachConfig,
    TrainingConfig,
)
from kdcore.objectives.params import ResponseParams


@dataclass(frozen=True)
class KnobOption:
    """An option of a command: `kind` declares its knob, `path` is where it stands in a config."""

    kind: type
    path: str
    short: str = ""  # a flag of one letter
    panel: str = ""  # the heading under which --help shows it
    default: str = ""  # the default in words, where it may come from somewhere else
    help: str = ""  # instead of the knob's own

    @property
    def knob(self) -> Field[Any]:
        """The declaration of the knob."""
        name = self.path.rpartition(".")[2]
        return next(spec for spec in fields(self.kind) if spec.name == name)


_OF_SOURCE = "that of the run it starts from, where there is one, else "  # infer and distill

COMMON = {
    "data": KnobOption(FinetuneConfig, "data", short="-d", default=f"{_OF_SOURCE}world"),
    "limit": KnobOption(FinetuneConfig, "limit", default=f"{_OF_SOURCE}0"),
    "seed": KnobOption(FinetuneConfig, "seed"),
    "device": KnobOption(FinetuneConfig, "device"),
    "threads": KnobOption(FinetuneConfig, "threads"),
}
TRAINING = {
    "epochs": KnobOption(TrainingConfig, "training.epochs", panel="Training"),
    "batch_size": KnobOption(TrainingConfig, "training.batch_size", panel="Training"),
    "learning_rate": KnobOption(TrainingConfig, "training.learning_rate", panel="Training"),
}
HARD_LABELS = {"label_smoothing": KnobOption(FinetuneConfig, "label_smoothing", panel="Training")}
DISTILLATION = {
    "method": KnobOption(
        MethodConfig,
        "method.name",
        panel="Distillation",
        help="a name from `kdlab methods` (default response)",
    ),
    "loss": KnobOption(ResponseParams, "method.params.loss", panel="Distillation"),
    "temperature": KnobOption(ResponseParams, "method.params.temperature", panel="Distillation"),
    "soft_weight": KnobOption(DistillConfig, "soft_weight", panel="Distillation"),
    "hard_weight": KnobOption(DistillConfig, "hard_weight", panel="Distillation"),
    "transfer": KnobOption(DistillConfig, "transfer", panel="Distillation"),
    "order": KnobOption(OrderConfig, "order.kind", panel="Distillation"),
}
READY = {
    name: KnobOption(ReadyParams, f"model.params.{name}", panel="Model")
    for name in ("labels", "pair_tokens", "query_text", "ad_text", "activation")
}
PRETRAINING = {
    "data": KnobOption(PretrainConfig, "data", short="-d"),
    "limit": KnobOption(PretrainConfig, "limit"),
    "split": KnobOption(PretrainConfig, "split"),
    "mask_share": KnobOption(PretrainConfig, "mask_share", panel="Training"),
    "next_ad_weight": KnobOption(PretrainConfig, "next_ad_weight", panel="Training"),
}
TASKS = {
    "split": KnobOption(MultitaskConfig, "split", panel="Tasks"),
    "task_weight": KnobOption(MultitaskConfig, "task_weight", panel="Tasks"),
}
STAGES = {
    "pretrain": COMMON | TRAINING | PRETRAINING,
    "finetune": COMMON
    | TRAINING
    | HARD_LABELS
    | {"loss": KnobOption(FinetuneConfig, "loss", panel="Training")},
    "multitask": COMMON
    | TRAINING
    | HARD_LABELS
    | {"loss": KnobOption(FinetuneConfig, "loss", panel="Training")}
    | TASKS,
    "distill": COMMON | DISTILLATION | HARD_LABELS | TRAINING,
    "infer": {name: COMMON[name] for name in ("data", "limit", "device", "threads")}
    | {
        "batch_size": KnobOption(InferConfig, "batch_size"),
        "on": KnobOption(InferConfig, "on", panel="Shards", default="not in shards"),
        "shard_rows": KnobOption(InferConfig, "shard_rows", panel="Shards"),
        "top_k": KnobOption(InferConfig, "top_k", panel="Shards"),
    },
    "teach": COMMON | READY | {"batch_size": KnobOption(TeachConfig, "batch_size")},
}


def flag_of(name: str) -> str:
    """How an option is written: --learning-rate."""
    return "--" + name.replace("_", "-")
