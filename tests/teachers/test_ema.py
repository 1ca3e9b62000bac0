"""The moving average of a student: its weights by hand, and that it learns nothing by itself."""

import numpy as np
import pytest
import torch

from kdcore.config import ModelConfig
from kdcore.models.build import new_model
from kdcore.teachers.ema import EmaTeacher

SPEC = "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=100,dropout=0.5"


@pytest.fixture
def model(pairs4):
    return new_model(ModelConfig.parse(SPEC), pairs4)


def weight(model) -> float:
    return next(model.parameters()).flatten()[0].item()


def move_to(model, value: float) -> None:
    with torch.no_grad():
        next(model.parameters()).fill_(value)


def test_the_average_is_at_first_the_plain_mean_then_it_decays(model) -> None:
    """Weights 0, 6, 3, 11: means 0, 3, 3, then 3 · 0.7 + 11 · 0.3, as 3/4 exceeds the decay."""
    move_to(model, 0.0)
    teacher = EmaTeacher(model, 0.7, frozenset())
    for step, (value, mean) in enumerate([(6.0, 3.0), (3.0, 3.0), (11.0, 5.4)], start=1):
        move_to(model, value)
        teacher.after_step(step)
        assert weight(teacher.average) == pytest.approx(mean)
    assert weight(model) == 11.0


def test_a_decay_of_0_is_the_student_itself(model) -> None:
    teacher = EmaTeacher(model, 0.0, frozenset())
    move_to(model, 0.25)
    teacher.after_step(100)
    assert weight(teacher.average) == 0.25


def test_it_answers_without_dropout_and_without_a_gradient(model, pairs4) -> None:
    teacher, rows = EmaTeacher(model.train(), 0.9, frozenset()), np.arange(len(pairs4))
    batch = model.batch(model.read(pairs4), rows)
    first, again = teacher(rows, batch).logits, teacher(rows, batch).logits
    assert torch.equal(first, again)
    assert not first.requires_grad
    assert not any(p.requires_grad for p in teacher.average.parameters())
    assert all(p.requires_grad for p in model.parameters())
