"""The soft loss over a part of a batch: its mean, and nothing for pairs without soft labels."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from kdcore.objectives.base import Shape, Term
from kdcore.objectives.params import RankingParams, ResponseParams
from kdcore.objectives.ranking import objective as ranking
from kdcore.objectives.response import objective as response
from kdcore.outputs import Outputs
from kdcore.recipes.answered import Answered

SESSION: Any = SimpleNamespace(  # one process, so that every mean stays as it is
    tensor=torch.tensor,
    counted_mean=lambda mean, counted: mean,
    list_mean=lambda mean, among: mean,
)


def outputs(logits: torch.Tensor, **more: torch.Tensor) -> Outputs:
    return Outputs(logits, torch.empty(len(logits), 0), **more)


def test_only_pairs_with_soft_labels_count_and_move() -> None:
    """Pairs 1 and 3 of a batch of four; what stands in the others' place is not even a number."""
    shape = Shape(classes=2, features=0, relevant_from=1)
    soft = Term("soft", response(ResponseParams(temperature=2), shape, shape), 0.5)
    order = Term("order", ranking(RankingParams(loss="margin_mse"), shape, shape), 2.0)
    lesson = torch.tensor([[torch.nan, 0.0], [1.0, -1.0], [0.0, torch.inf], [0.0, 3.0]])
    student = torch.tensor([[0.5, 0.1], [0.3, 0.2], [0.0, 2.0], [1.0, 1.0]], requires_grad=True)
    queries = torch.zeros(4, dtype=torch.int64)
    answered = Answered(SESSION, np.array([True, False, True, False, True]), ["order"])
    rows = np.array([1, 2, 3, 4])  # of which 2 and 4 are answered
    loss, parts = answered.weighted_sum(
        [soft, order],
        outputs(student),
        outputs(lesson, queries=queries),
        rows,
    )
    own, theirs = outputs(student[[1, 3]]), outputs(lesson[[1, 3]], queries=queries[:2])
    assert parts["soft"].item() == pytest.approx(soft.objective(own, theirs).item())
    margins = (0.2 - 0.3) - (1.0 - 1.0), (-1.0 - 1.0) - (3.0 - 0.0)
    assert parts["order"].item() == pytest.approx((margins[0] - margins[1]) ** 2)
    assert loss.item() == pytest.approx(0.5 * parts["soft"].item() + 2 * parts["order"].item())
    loss.backward()
    assert student.grad is not None
    assert (student.grad[[0, 2]] == 0).all()
    assert (student.grad[[1, 3]] != 0).all()


def test_a_batch_without_soft_labels_adds_nothing() -> None:
    student = torch.ones(2, 2, requires_grad=True)
    answered = Answered(SESSION, np.array([False, False]), [])
    terms = [Term("soft", lambda *_: torch.tensor(torch.nan), 1.0)]
    given = outputs(student)
    loss, parts = answered.weighted_sum(terms, given, given, np.array([0, 1]))
    loss.backward()
    assert (loss.item(), parts["soft"].item()) == (0.0, 0.0)
    assert student.grad is not None
    assert (student.grad == 0).all()
