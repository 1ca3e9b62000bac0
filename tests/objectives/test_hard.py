"""Hard-label losses, label smoothing, and pairs that nobody judged."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from kdcore.objectives.hard import hard_cross_entropy, hard_mse
from kdcore.objectives.response import soft_cross_entropy, soft_kl

LOGITS = torch.randn(7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
GRADES = torch.tensor([0, 3, 1, 1, 2, 0, 3])
LOSSES = (hard_cross_entropy, hard_mse)


def test_cross_entropy_is_minus_the_mean_log_probability_of_the_grade():
    picked = LOGITS.softmax(1)[torch.arange(7), GRADES]
    torch.testing.assert_close(hard_cross_entropy(LOGITS, GRADES), -picked.log().mean())


def test_smoothing_mixes_the_label_with_all_grades_evenly():
    """y = (1 - eps) onehot + eps / K, written out."""
    target = 0.8 * F.one_hot(GRADES, 4) + 0.2 / 4
    expected = -(target * LOGITS.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(hard_cross_entropy(LOGITS, GRADES, 0.2), expected)


@given(eps=st.floats(0, 0.9), flat=st.floats(-30, 30))
def test_smoothing_is_distillation_from_a_teacher_that_knows_nothing(eps, flat):
    """Yuan et al. 2020, arXiv:1909.11723: a uniform teacher at weight eps."""
    uniform = torch.full_like(LOGITS, flat)
    smoothed = hard_cross_entropy(LOGITS, GRADES, eps)
    hard = hard_cross_entropy(LOGITS, GRADES)
    distilled = (1 - eps) * hard + eps * soft_cross_entropy(LOGITS, uniform, 1.0)
    torch.testing.assert_close(smoothed, distilled)
    entropy = eps * torch.tensor(4.0, dtype=torch.float64).log()  # the constant KL leaves out
    with_kl = (1 - eps) * hard + eps * soft_kl(LOGITS, uniform, 1.0)
    torch.testing.assert_close(smoothed, with_kl + entropy)


def test_mse_sums_over_the_grades_above_the_worst():
    gap = LOGITS.softmax(1) - F.one_hot(GRADES, 4)
    torch.testing.assert_close(hard_mse(LOGITS, GRADES), gap[:, 1:].square().sum(1).mean())


@pytest.mark.parametrize("loss", LOSSES)
@given(st.lists(st.booleans(), min_size=7, max_size=7))
def test_pairs_that_nobody_judged_have_no_hard_loss(loss, judged):
    kept = torch.tensor(judged)
    grades = torch.where(kept, GRADES, -1)
    expected = loss(LOGITS[kept], GRADES[kept]) if any(judged) else torch.zeros(())
    torch.testing.assert_close(loss(LOGITS, grades), expected.double())


@pytest.mark.parametrize("loss", LOSSES)
def test_pairs_that_nobody_judged_have_no_gradient(loss):
    student = LOGITS.clone().requires_grad_()
    grades = torch.where(torch.arange(7) < 3, -1, GRADES)
    loss(student, grades).backward()
    assert student.grad[:3].abs().max() == 0
    assert (student.grad[3:].abs().sum(1) > 0).all()


@pytest.mark.parametrize("loss", [*LOSSES, lambda z, y: hard_cross_entropy(z, y, 0.3)])
def test_a_batch_without_a_label_gives_zero_not_nan(loss):
    student = LOGITS.clone().requires_grad_()
    value = loss(student, torch.full((7,), -1))
    value.backward()
    assert value.item() == 0
    assert student.grad.abs().max() == 0


@given(eps=st.floats(0, 0.9))
def test_smoothing_leaves_unjudged_pairs_out(eps):
    some = torch.tensor([0, 3, -1, 1, -1, 0, 3])
    expected = hard_cross_entropy(LOGITS[some >= 0], some[some >= 0], eps)
    torch.testing.assert_close(hard_cross_entropy(LOGITS, some, eps), expected)
