"""MultitaskConfig: one encoder learns the grades and, with a head per task, other labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kdcore.config.finetune import FinetuneConfig
from kdcore.config.groups import check
from kdcore.errors import ConfigError
from kdcore.knobs import build, choice, groups, knob, problems_of
from kdcore.labels import RELEVANCE
from kdcore.yaml_text import read_assignments

SHARES_ENCODER = ("bert", "checkpoint")  # models that read query and ad as one sequence


@dataclass(frozen=True, kw_only=True)
class TaskConfig:
    """A task beside relevance: its name and its weight in the loss.

    name: NAME of a column task_NAME of the data, or the name of any other column of labels.
    """

    name: str = RELEVANCE
    weight: float = knob(1.0, "weight of this task in the loss", low=0, high=1000)

    def __post_init__(self) -> None:
        check(problems_of(self), "This task cannot be used:")

    @classmethod
    def parse(cls, spec: str) -> "TaskConfig":
        """Read a short text: `click`, or `click:weight=0.5`."""
        name, _, tail = spec.partition(":")
        return build(cls, {"name": name.strip(), **read_assignments(tail)})

    @property
    def spec(self) -> str:
        """The short text that parse reads."""
        return self.name if self.weight == 1 else f"{self.name}:weight={self.weight!r}"


@dataclass(frozen=True, kw_only=True)
class MultitaskConfig(FinetuneConfig):
    """Train one encoder on several tasks, a head per task; relevance has the model's own head.

    The loss is the sum over the tasks of weight times cross-entropy, each a mean over the pairs
    of a batch that have a label of the task. tasks: those to learn, by name; an empty list stands
    for every column task_NAME of the data. Relevance is always learned.
    """

    stage: str = choice("multitask", "the stage", options=("multitask",))
    tasks: tuple[TaskConfig, ...] = groups()
    task_weight: float = knob(
        1.0,
        "factor of the weights of all tasks beside relevance; 0 learns relevance alone",
        low=0,
        high=1000,
    )
    split: str = choice(
        "train",
        "pairs learned from: the graded ones, or also the log, which has other tasks' labels only",
        options=("train", "train+log"),
    )

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.tasks, key=lambda task: task.name))  # equal in any order
        object.__setattr__(self, "tasks", ordered)
        problems = []
        names = [task.name for task in self.tasks]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            problems.append(
                f"tasks: {', '.join(doubled)} named more than once; name each task once"
            )
        if "" in names:
            problems.append("tasks: a name is empty; name a column of labels")
        if not self.weight_of(RELEVANCE):
            problems.append(
                "tasks.relevance: its weight is 0, but it must be learned; use one above 0"
            )
        if self.model.name not in SHARES_ENCODER:
            problems.append(
                f"model: {self.model.name} has no encoder that tasks can share; choose bert, a "
                "size of it (bert_mini), or the folder of a pretrained encoder"
            )
        try:
            super().__post_init__()
        except ConfigError as error:
            problems += error.problems
        check(problems)

    @property
    def transfer(self) -> str:
        """The splits learned from, under the name that a distillation gives them."""
        return self.split

    @property
    def auxiliary(self) -> tuple[str, ...] | None:
        """The tasks beside relevance that have a weight; None for all that the data have."""
        if not self.tasks and self.task_weight:
            return None
        names = (task.name for task in self.tasks if task.name != RELEVANCE)
        return tuple(name for name in names if self.weight_of(name))

    def weight_of(self, name: str) -> float:
        """The weight of a task in the loss; 0 for one that is not learned."""
        named = {task.name: task.weight for task in self.tasks}
        if name == RELEVANCE:
            return named.get(name, 1.0)
        return self.task_weight * (named.get(name, 0.0) if named else 1.0)


def with_named_tasks(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings with `tasks`, if they are a list of short texts, in the stored form."""
    if not isinstance(data.get("tasks"), list):
        return data
    tasks = [TaskConfig.parse(str(task)) for task in data["tasks"]]
    return {**data, "tasks": {task.name: {"weight": task.weight} for task in tasks}}
