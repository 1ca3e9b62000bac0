"""Standardized logits, decoupled parts and DIST: golden values, identities, two grades refused."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from kdcore.errors import ConfigError
from kdcore.objectives.base import Shape, make_objective
from kdcore.objectives.response import decoupled_parts, dist, soft_kl, standardized_kl
from kdcore.outputs import Outputs

TEACHER = torch.tensor([[4.0, 1.0, -2.0], [0.5, 0.2, -1.0]], dtype=torch.float64)
STUDENT = torch.tensor([[2.0, 1.5, -1.0], [0.1, 0.4, -0.3]], dtype=torch.float64)
GRADES = torch.tensor([0, 1])
LOSSES = ("standardized", "decoupled", "dist")
ROWS = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
OTHERS = 2 * torch.randn(5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def made(loss: str, classes: int = 3):
    knobs = {"temperature": 2.0, "teacher_temperature": 0.0}
    weights = {
        "target_weight": 1.0,
        "other_weight": 8.0,
        "between_weight": 1.0,
        "within_weight": 1.0,
    }
    params = SimpleNamespace(loss=loss, **knobs, **weights)
    return make_objective("response", params, Shape(classes, 1), Shape(classes, 1))


def outputs(logits):
    return Outputs(logits, logits, grades=GRADES)


def test_golden_values():
    target, other = decoupled_parts(STUDENT, TEACHER, GRADES, 2.0)
    assert soft_kl(STUDENT, TEACHER, 2.0).item() == pytest.approx(0.395829, abs=5e-7)
    assert target.item() == pytest.approx(0.349780, abs=5e-7)
    assert other.item() == pytest.approx(0.079451, abs=5e-7)
    decoupled = made("decoupled")(outputs(STUDENT), outputs(TEACHER))
    assert decoupled.item() == pytest.approx(0.985389, abs=5e-7)
    assert standardized_kl(STUDENT, TEACHER, 2.0).item() == pytest.approx(0.102319, abs=5e-7)
    assert dist(STUDENT, TEACHER).item() == pytest.approx(0.261213, abs=1e-6)
    assert dist(STUDENT, TEACHER, within=0).item() == pytest.approx(0.261212, abs=1e-6)


def test_kl_is_the_target_part_plus_the_rest_weighted_by_the_teachers_doubt():
    """The identity of arXiv:2203.08679: a sure teacher hides the second part."""
    for row in range(5):
        s, t, grade = ROWS[row : row + 1], OTHERS[row : row + 1], torch.tensor([row % 4])
        target, other = decoupled_parts(s, t, grade, 3.0)
        doubt = 1 - (t / 3).softmax(1)[0, row % 4]
        torch.testing.assert_close(target + doubt * other, soft_kl(s, t, 3.0))


def test_a_pair_without_a_label_takes_the_teachers_likeliest_grade():
    unlabelled = torch.full((5,), -1)
    parts = decoupled_parts(ROWS, OTHERS, unlabelled, 2.0)
    assert parts == decoupled_parts(ROWS, OTHERS, OTHERS.argmax(1), 2.0)


@given(st.floats(0.1, 20), st.floats(-30, 30))
def test_standardized_logits_forget_scale_and_shift(a, b):
    loss = standardized_kl(a * ROWS + b, OTHERS, 2.0)
    torch.testing.assert_close(loss, standardized_kl(ROWS, OTHERS, 2.0), rtol=1e-4, atol=1e-6)
    assert standardized_kl(a * OTHERS + b, OTHERS, 2.0).item() == pytest.approx(0, abs=1e-9)


def test_dist_is_the_mean_correlation_of_rows_and_of_columns():
    p, q = OTHERS.softmax(1).numpy(), ROWS.softmax(1).numpy()
    rows = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(p, q, strict=True)])
    columns = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(p.T, q.T, strict=True)])
    expected = 2 * (1 - rows) + 3 * (1 - columns)
    assert dist(ROWS, OTHERS, between=2, within=3).item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_zero_when_both_agree_and_its_gradient_is_right(loss):
    objective, teacher = made(loss), outputs(TEACHER)
    assert objective(teacher, teacher).item() == pytest.approx(0, abs=1e-12)
    student = STUDENT.clone().requires_grad_()
    assert gradcheck(lambda z: objective(outputs(z), teacher), (student,))


@pytest.mark.parametrize("loss", LOSSES)
def test_huge_and_flat_logits_give_finite_losses_and_gradients(loss):
    for row in ([1e4, -1e4, 0.0], [0.0, 0.0, 0.0]):
        student = torch.tensor([row, row], requires_grad=True)
        teacher = torch.tensor([[-1e4, 1e4, 0.0], [1.0, 2.0, 4.0]])
        value = made(loss)(outputs(student), outputs(teacher))
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(student.grad).all()


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        ("standardized", r"every standardized logit is ±0.7071, .* 0 where the signs agree"),
        ("decoupled", "the part of the other grades is always 0"),
        ("dist", "1 or -1, so that part is 0 or 2"),
    ],
)
def test_two_grades_are_refused_with_the_reason(loss, reason):
    with pytest.raises(ConfigError, match=f"teaches nothing on two grades: .*{reason}.*pearson"):
        made(loss, classes=2)


def test_the_reasons_hold():
    two, other = ROWS[:, :2], (OTHERS[:, :2] + torch.tensor([9.0, 0.0]))
    signs = two[:, 0] > two[:, 1]
    same = two.sort(dim=1, descending=True).values
    assert standardized_kl(same, other, 2.0).item() == pytest.approx(0, abs=1e-6)
    assert decoupled_parts(two, other, signs.long(), 2.0)[1].item() == 0
    correlations = [dist(two[i : i + 1], other[i : i + 1], within=0).item() for i in range(5)]
    assert all(
        value == pytest.approx(0, abs=1e-6) or value == pytest.approx(2) for value in correlations
    )


def test_decoupled_parts_without_labels_are_refused_in_words():
    plain = Outputs(TEACHER, TEACHER)
    with pytest.raises(ValueError, match="need hard labels"):
        made("decoupled")(plain, plain)
