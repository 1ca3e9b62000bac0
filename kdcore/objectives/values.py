"""What a loss says of given numbers: its value, and the gradient that the student would feel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdcore.objectives.base import Shape, make_objective
from kdcore.objectives.hard import hard_cross_entropy
from kdcore.outputs import Outputs

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Batch:
    """Numbers of student and teacher on the same pairs.

    student, teacher: (pairs, classes) logits, or (pairs, width) pooled vectors where `vectors`.
    queries: (pairs,) the query of each pair; grades: (pairs,) hard labels, -1 without one.
    relevant_from: the first grade that counts as relevant.
    """

    student: Floats
    teacher: Floats
    vectors: bool = False
    queries: NDArray[np.int64] | None = None
    grades: NDArray[np.int64] | None = None
    relevant_from: int = 0


@dataclass(frozen=True)
class Value:
    """A loss at some numbers of the student: its value, and its gradient in their shape."""

    loss: float
    gradient: Floats


def value_of(method: str, params: Any, batch: Batch) -> Value:
    """The loss of a method of the catalog on a batch, in double precision.

    ConfigError, with the method's own sentence, where it cannot compare these numbers.
    """
    student = torch.tensor(batch.student, dtype=torch.float64, requires_grad=True)
    shape = _shape(batch, student.shape[1])
    teacher = torch.tensor(batch.teacher, dtype=torch.float64)
    facts = {"queries": _numbers(batch.queries), "grades": _numbers(batch.grades)}
    with torch.random.fork_rng(devices=()):  # what it draws is the same each time
        torch.manual_seed(0)
        objective = make_objective(method, params, shape, _shape(batch, batch.teacher.shape[1]))
        loss = objective(_outputs(batch, student), _outputs(batch, teacher, **facts))
    return _value(loss, student)


def hard_value(batch: Batch) -> Value:
    """The cross-entropy of the student's logits with the hard labels."""
    student = torch.tensor(batch.student, dtype=torch.float64, requires_grad=True)
    grades = _numbers(batch.grades)
    if grades is None:
        raise ValueError("hard labels are needed, and the batch has none")
    return _value(hard_cross_entropy(student, grades), student)


def _shape(batch: Batch, width: int) -> Shape:
    if batch.vectors:
        return Shape(classes=2, features=width)
    return Shape(classes=width, features=0, relevant_from=batch.relevant_from)


def _outputs(batch: Batch, numbers: Tensor, **facts: Any) -> Outputs:
    other = numbers.new_zeros(len(numbers), 2)
    logits, features = (other, numbers) if batch.vectors else (numbers, other)
    return Outputs(logits, features, **facts)


def _numbers(values: NDArray[np.int64] | None) -> Tensor | None:
    return None if values is None else torch.tensor(values, dtype=torch.int64)


def _value(loss: Tensor, student: Tensor) -> Value:
    gradient = torch.zeros_like(student)
    if loss.requires_grad:
        (gradient,) = torch.autograd.grad(loss, student)
    return Value(float(loss.detach()), gradient.numpy())
