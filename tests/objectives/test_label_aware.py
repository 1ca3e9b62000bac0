"""The label-aware loss by hand, its special cases, and what a pair without a label learns."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from kdcore.errors import ConfigError
from kdcore.objectives.base import Shape, make_objective
from kdcore.objectives.hard import hard_cross_entropy
from kdcore.objectives.label_aware import agreement_weights, label_aware
from kdcore.objectives.params import LabelAwareParams
from kdcore.objectives.response import soft_cross_entropy
from kdcore.outputs import Outputs

GRADES = torch.tensor([2, 0, 1, 3])
NONE = torch.full((4,), -1)


@pytest.fixture
def logits() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(4, 4, generator=draw, dtype=torch.float64) for _ in range(2))
    return student.requires_grad_(), teacher


def two_grades(*shares: float) -> torch.Tensor:
    """Logits of two grades whose softmax gives these P(relevant)."""
    return torch.tensor([[math.log(1 - p), math.log(p)] for p in shares], dtype=torch.float64)


def test_two_grades_give_the_weighted_binary_cross_entropy_by_hand():
    """Facts sheet §9.1: a = y s + (1 - y)(1 - s), w = a^g / mean(a^g), t = m y + (1 - m) s."""
    student, teacher = two_grades(0.6, 0.3), two_grades(0.9, 0.8)
    grades = torch.tensor([1, 0])  # the teacher agrees with the first and not with the second
    weights = [0.9**2 / 0.425, 0.2**2 / 0.425]  # their mean: (0.81 + 0.04) / 2
    targets = [0.5 * 1 + 0.5 * 0.9, 0.5 * 0 + 0.5 * 0.8]
    by_hand = sum(
        -w * (t * math.log(p) + (1 - t) * math.log(1 - p))
        for w, t, p in zip(weights, targets, (0.6, 0.3), strict=True)
    )
    value = label_aware(student, teacher, grades, agreement=2, label_share=0.5, temperature=1)
    assert value.item() == pytest.approx(by_hand / 2, abs=1e-12)


def test_without_agreement_it_is_the_label_alone_or_the_soft_label_alone(logits):
    student, teacher = logits
    label = label_aware(student, teacher, GRADES, 0, 1, temperature=3)
    torch.testing.assert_close(label, hard_cross_entropy(student, GRADES))
    soft = label_aware(student, teacher, GRADES, 0, 0, temperature=3)
    torch.testing.assert_close(soft, soft_cross_entropy(student, teacher, 3))


def test_weights_average_one_over_labelled_pairs_and_a_pair_without_label_weighs_one(logits):
    _, teacher = logits
    grades = torch.tensor([2, -1, 1, 3])
    weights = agreement_weights(teacher, grades, 3)
    assert weights[1] == 1
    labelled = weights[[0, 2, 3]]
    assert labelled.mean().item() == pytest.approx(1)
    a = teacher.softmax(dim=-1).gather(1, grades.clamp_min(0)[:, None])[[0, 2, 3], 0]
    torch.testing.assert_close(labelled / labelled.sum(), a**3 / (a**3).sum())


def test_pairs_without_labels_learn_the_soft_label_alone(logits):
    student, teacher = logits
    plain = soft_cross_entropy(student, teacher, 2)
    torch.testing.assert_close(label_aware(student, teacher, NONE, 4, 0.7, 2), plain)
    objective = make_objective(
        "label_aware", LabelAwareParams(temperature=2), Shape(4, 1), Shape(4, 1)
    )
    none = torch.empty(4, 0)
    outputs = objective(Outputs(student, none), Outputs(teacher, none))  # no grades are given
    torch.testing.assert_close(outputs, plain)


def test_more_agreement_takes_the_pull_from_a_pair_whose_label_the_teacher_denies():
    pulls = []
    for agreement in (0, 1, 4):
        student = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
        teacher, grades = two_grades(0.9, 0.9), torch.tensor([1, 0])
        label_aware(student, teacher, grades, agreement, 1, 1).backward()
        pulls.append(student.grad[1].norm().item())
    assert pulls[0] > pulls[1] > pulls[2] > 0


def test_a_label_that_the_teacher_excludes_gives_no_nan():
    student = torch.zeros(2, 3, requires_grad=True)
    teacher = torch.tensor([[0.0, 5.0, -torch.inf], [900.0, 0.0, 0.0]])
    for grades in (torch.tensor([2, 1]), torch.tensor([2, -1])):
        value = label_aware(student, teacher, grades, 20, 0.5, 1)
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(student.grad).all()


def test_its_gradient_is_that_of_its_value(logits):
    student, teacher = logits
    grades = torch.tensor([2, -1, 1, 3])
    assert gradcheck(lambda z: label_aware(z, teacher, grades, 1.5, 0.4, 2), (student,))
    torch.testing.assert_close(
        label_aware(student, teacher, grades, 0, 0.4, 1),
        (0.4 * F.cross_entropy(student[[0, 2, 3]], grades[[0, 2, 3]], reduction="sum")
         + 0.6 * 3 * soft_cross_entropy(student[[0, 2, 3]], teacher[[0, 2, 3]], 1)
         + soft_cross_entropy(student[[1]], teacher[[1]], 1)) / 4,
    )  # fmt: skip


def test_models_of_other_grades_are_refused():
    with pytest.raises(ConfigError, match="2 grades cannot match the teacher's 4"):
        make_objective("label_aware", LabelAwareParams(), Shape(2, 1), Shape(4, 1))
