"""The contract of every distillation method: an objective on Outputs, weighted into a total.

An objective knows two Outputs and nothing else: no config, no file, no device. Where the
teacher's Outputs come from (cached, live, a peer, a snapshot of the student itself) is decided in
teachers/; online and self distillation reuse an objective and change the teacher.

A file in objectives/ offers one function, found by the method's name in the catalog:

    def objective(params, student: Shape, teacher: Shape) -> Objective

An objective with weights of its own (a projection between widths, say) is an nn.Module: the
recipe optimizes it beside the student and drops it afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol

import torch
from torch import Tensor

from kdcore.outputs import Outputs


@dataclass(frozen=True)
class Shape:
    """Sizes of a model's Outputs; 0 where it does not give the field.

    layers counts a token's states: the embeddings, then one for each block. relevant_from is the
    first grade that counts as relevant, which the recipe takes from the label scheme; 0 is unknown.
    """

    classes: int
    features: int
    layers: int = 0
    hidden: int = 0
    heads: int = 0
    relevant_from: int = 0


def shape_of(outputs: Outputs) -> Shape:
    """The sizes of one batch's Outputs."""
    states, maps = outputs.cls_states or outputs.hidden_states, outputs.attentions
    return Shape(
        classes=outputs.logits.shape[1],
        features=outputs.features.shape[1],
        layers=len(states),
        hidden=states[0].shape[-1] if states else 0,
        heads=maps[0].shape[1] if maps else 0,
    )


def problems_of_grades(student: Shape, teacher: Shape) -> list[str]:
    """Why losses of logits cannot compare the two: their grades differ; [] where they can."""
    if student.classes == teacher.classes:
        return []
    return [
        f"method: {student.classes} grades cannot match the teacher's {teacher.classes}; "
        "choose a teacher that was trained on the same grades"
    ]


class Objective(Protocol):
    """A loss: a scalar, 0 (or its floor) when the student agrees with the teacher."""

    def __call__(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Mean loss of a batch; the teacher's tensors carry no gradient."""
        ...


@dataclass(frozen=True)
class Stages:
    """The stages that an objective goes through, such as its pairs of layers one by one.

    count: how many; epochs: how long each is; exclusive: whether the other terms wait for the end;
    ends: whether nothing is learned from this objective afterwards.
    """

    count: int
    epochs: float
    exclusive: bool
    ends: bool

    @property
    def total_epochs(self) -> float:
        """Epochs until the last of them is over."""
        return self.count * self.epochs

    def at(self, epoch: float) -> int:
        """The stage after so many epochs, counted from 0; `count` or more when they are over."""
        return int(epoch / self.epochs + 1e-9)


@dataclass(frozen=True)
class Term:
    """An objective and what it weighs in the total."""

    name: str
    objective: Objective
    weight: float


def weighted_sum(
    terms: Sequence[Term],
    student: Outputs,
    teacher: Outputs,
    scales: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Add the terms up; also return them unweighted, so that curves stay comparable.

    scales: what makes the value of a term, by its name, one that sums to that of the whole batch.
    """
    if len({term.name for term in terms}) < len(terms):
        raise ValueError(f"two terms share a name: {[term.name for term in terms]}")
    parts = {term.name: term.objective(student, teacher) for term in terms}
    parts |= {name: scale(parts[name]) for name, scale in (scales or {}).items()}
    total = torch.zeros((), device=student.logits.device)
    for term in terms:
        total = total + term.weight * parts[term.name]
    return total, parts


def stages_of(term: Term) -> Stages | None:
    """The stages of a term's objective; None where it has none, or weighs nothing."""
    stages: Stages | None = getattr(term.objective, "stages", None)
    return stages if term.weight else None


def enter_stages(terms: Sequence[Term], epoch: float) -> bool:
    """Let every objective with stages enter that of this epoch; whether the other terms wait."""
    waiting = False
    for term in terms:
        stages = stages_of(term)
        if stages is not None:
            objective: Any = term.objective
            objective.enter_stage(stages.at(epoch))
            waiting |= stages.exclusive and stages.at(epoch) < stages.count
    return waiting


def in_stages(terms: Sequence[Term]) -> list[Term]:
    """The terms with the weight 0 where they have no stages: their curves go on."""
    return [term if stages_of(term) else replace(term, weight=0.0) for term in terms]


def make_objective(method: str, params: Any, student: Shape, teacher: Shape) -> Objective:
    """The objective of a method of the catalog."""
    module: Any = import_module(f"kdcore.objectives.{method}")
    objective: Objective = module.objective(params, student, teacher)
    return objective
