"""InferConfig and TeachConfig: a model that is there scores pairs."""

from dataclasses import dataclass, field

from kdcore.config.base import Stage
from kdcore.config.executor import executor_problem
from kdcore.config.groups import ModelConfig, check
from kdcore.knobs import choice, knob, switch, text


@dataclass(frozen=True, kw_only=True)
class InferConfig(Stage):
    """Score pairs with a finished run: the teacher's soft labels."""

    stage: str = choice("infer", "the stage", options=("infer",))
    run: str = text("", "the run whose model scores the pairs")
    batch_size: int = knob(512, "pairs per step", low=1, high=65_536)
    splits: tuple[str, ...] = ()
    as_is: bool = switch(
        False, "take the splits as they lie, cut none; 'all' then names every pair as one"
    )
    precision: str = choice(
        "auto",
        "of products; auto is fp32, fast is bf16 where the hardware has it: so distillations score",
        options=("auto", "fast", "fp32", "bf16"),
    )
    on: str = text(
        "",
        "score in shards, files of some rows each: local, local:N (processes), ray, ray:N (workers "
        "on this machine) or ray:HOST:PORT (a cluster)",
    )
    shard_rows: int = knob(50_000, "rows per shard", low=1, high=10_000_000)
    top_k: int = knob(
        20,
        "largest logits kept per row of a shard, where the model has more classes",
        low=1,
        high=1_000_000,
    )

    def __post_init__(self) -> None:
        problems = self.problems() + ([] if self.run else ["run: name the run to score with"])
        problems += [executor_problem(self.on)] if self.on and executor_problem(self.on) else []
        if self.on and not self.splits:
            problems.append("splits: name the split to score in shards, as --split log")
        if self.on and self.precision == "fast":
            problems.append("precision: fast differs between machines; for shards choose another")
        check(problems)

    @property
    def leaves_log_out(self) -> bool:
        """Whether it scores in shards, which read the log in pieces."""
        return bool(self.on)


@dataclass(frozen=True, kw_only=True)
class TeachConfig(Stage):
    """Score pairs with a classifier that another tool trained: a teacher with its own head."""

    stage: str = choice("teach", "the stage", options=("teach",))
    model: ModelConfig = field(default_factory=ModelConfig)
    calibrate: bool = switch(False, "fit T and a bias of its logits on validation")
    batch_size: int = knob(128, "pairs per step", low=1, high=65_536)
    precision: str = choice("auto", "of products; auto is fp32", options=("auto", "fp32", "bf16"))

    def __post_init__(self) -> None:
        problems = self.problems()
        if self.model.name != "ready":
            problems.append("model: give the folder or hub id of a classifier with name: ready")
        check(problems)
