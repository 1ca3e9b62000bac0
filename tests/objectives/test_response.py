"""Response distillation equals the papers' numbers and formulas."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.errors import ConfigError
from kdcore.models.heads import HalfCosine
from kdcore.objectives.base import Shape, make_objective
from kdcore.objectives.hard import hard_mse
from kdcore.objectives.params import ResponseParams
from kdcore.objectives.response import mse_logits, mse_probabilities, soft_cross_entropy, soft_kl
from kdcore.outputs import Outputs
from kdcore.softlabels import entropy, kl

TEACHER = torch.tensor([[4.0, 1.0, -2.0]], dtype=torch.float64)
STUDENT = torch.tensor([[2.0, 1.5, -1.0]], dtype=torch.float64)
LOSSES = ("kl", "ce", "mse_logits", "mse_probabilities")
GOLDEN = {  # temperature: teacher's soft label, student's, KL, T² KL
    1: ((0.9503, 0.0473, 0.0024), (0.6037, 0.3662, 0.0301), 0.32830, 0.3283),
    2: ((0.7856, 0.1753, 0.0391), (0.4995, 0.3890, 0.1115), 0.17502, 0.7001),
    5: ((0.5405, 0.2967, 0.1628), (0.4076, 0.3688, 0.2237), 0.03638, 0.9094),
    20: ((0.3844, 0.3308, 0.2848), (0.3526, 0.3439, 0.3035), 0.00223, 0.8929),
}
logits = st.lists(
    st.lists(st.floats(-20, 20, width=32), min_size=4, max_size=4), min_size=1, max_size=5
).map(lambda rows: torch.tensor(rows, dtype=torch.float64))
row_pairs = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        *[
            st.lists(
                st.lists(st.floats(-9, 9, width=32), min_size=3, max_size=3), min_size=n, max_size=n
            ).map(lambda rows: torch.tensor(rows, dtype=torch.float64))
        ]
        * 2
    )
)
temperatures = st.floats(0.5, 50)


def batch(seed: int = 0, rows: int = 6, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    student = torch.randn(rows, classes, generator=generator, dtype=torch.float64)
    teacher = 2 * torch.randn(rows, classes, generator=generator, dtype=torch.float64)
    return student.requires_grad_(), teacher


def gradient(loss, student, *rest):
    (found,) = torch.autograd.grad(loss(student, *rest), student)
    return found


@pytest.mark.parametrize("temperature", GOLDEN)
def test_soft_kl_has_the_golden_values(temperature):
    p, q, divergence, scaled = GOLDEN[temperature]
    assert (TEACHER / temperature).softmax(1)[0].tolist() == pytest.approx(p, abs=5e-5)
    assert (STUDENT / temperature).softmax(1)[0].tolist() == pytest.approx(q, abs=5e-5)
    loss = soft_kl(STUDENT, TEACHER, temperature).item()
    assert loss == pytest.approx(scaled, abs=5e-5)
    assert loss / temperature**2 == pytest.approx(divergence, abs=5e-6)


def test_mse_logits_is_the_golden_limit_of_soft_kl():
    """(1 / 2N) times the summed square of the gap of centred logits."""
    assert mse_logits(STUDENT, TEACHER).item() == pytest.approx(0.8611, abs=5e-5)
    assert soft_kl(STUDENT, TEACHER, 1e4).item() == pytest.approx(0.8611, abs=2e-4)
    gap = (STUDENT - STUDENT.mean()) - (TEACHER - TEACHER.mean())
    assert mse_logits(STUDENT, TEACHER).item() == pytest.approx((gap.square().sum() / 6).item())


@settings(max_examples=50)
@given(row_pairs)
def test_soft_kl_tends_to_mse_logits_as_temperature_grows(rows):
    student, teacher = rows
    torch.testing.assert_close(
        soft_kl(student, teacher, 1e5), mse_logits(student, teacher), rtol=1e-2, atol=1e-4
    )


def test_soft_kl_gradient_is_the_logit_gap_at_high_temperature():
    """Hinton et al. 2015, Eq. 4: zero-mean logits, large T, gradient (z - v) / N after T²."""
    student = torch.tensor([[1.0, 0.0, -1.0]], requires_grad=True)
    teacher = torch.tensor([[2.0, -1.0, -1.0]])
    soft_kl(student, teacher, temperature=1000).backward()
    torch.testing.assert_close(student.grad, (student - teacher).detach() / 3, rtol=0, atol=1e-3)


def test_soft_kl_gradient_is_t_times_the_gap_of_soft_labels():
    """Hinton et al. 2015, Eq. 2: (q - p) / T, times T², mean over the batch."""
    student, teacher = batch()
    for t in (1.0, 3.0):
        expected = t * ((student / t).softmax(1) - (teacher / t).softmax(1)).detach() / 6
        torch.testing.assert_close(gradient(soft_kl, student, teacher, t), expected)


def test_soft_kl_gradient_keeps_its_size_when_temperature_doubles():
    """Without the factor T² it would shrink to a quarter."""
    student, teacher = batch()
    sizes = [gradient(soft_kl, student, teacher, t).norm().item() for t in (10.0, 20.0, 40.0)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)
    assert sizes[2] == pytest.approx(sizes[1], rel=0.05)


def test_soft_kl_is_zero_when_the_student_agrees():
    """A cross-entropy dressed as KL fails here: its floor is the teacher's entropy."""
    same = torch.tensor([[3.0, 1.0, -2.0, 0.5]])
    assert soft_kl(same + 7, same, 2.0).item() == pytest.approx(0, abs=1e-6)


@given(row_pairs, temperatures)
def test_soft_kl_is_positive_unless_they_agree(rows, temperature):
    student, teacher = rows
    loss = soft_kl(student, teacher, temperature).item()
    assert loss >= -1e-9
    far = (student.softmax(1) - teacher.softmax(1)).abs().max() > 0.05
    assert loss > 1e-6 or not far


@given(logits, temperatures)
def test_every_loss_has_its_floor_where_student_and_teacher_agree(z, temperature):
    student = z.clone().requires_grad_()
    for loss in (soft_kl, soft_cross_entropy):
        assert gradient(loss, student, z, temperature).abs().max() < 1e-8
    for loss in (mse_logits, mse_probabilities):
        assert loss(z, z).item() == 0
        assert gradient(loss, student, z).abs().max() == 0


@given(row_pairs, temperatures)
def test_cross_entropy_and_kl_have_equal_gradients(rows, temperature):
    student, teacher = rows[0].requires_grad_(), rows[1]
    torch.testing.assert_close(
        gradient(soft_kl, student, teacher, temperature),
        gradient(soft_cross_entropy, student, teacher, temperature),
    )


def test_cross_entropy_is_kl_plus_the_teachers_entropy():
    student, teacher = batch()
    nats = entropy(teacher.numpy(), 3.0).mean() * np.log(2)
    difference = soft_cross_entropy(student, teacher, 3.0) - soft_kl(student, teacher, 3.0)
    assert difference.item() == pytest.approx(9 * nats)


@given(row_pairs, temperatures, st.floats(-50, 50), st.floats(-50, 50))
def test_a_constant_on_all_logits_changes_nothing(rows, temperature, a, b):
    student, teacher = rows
    for loss, rest in (
        (soft_kl, (temperature,)),
        (soft_cross_entropy, (temperature,)),
        (mse_logits, ()),
        (mse_probabilities, ()),
    ):
        torch.testing.assert_close(
            loss(student + a, teacher + b, *rest), loss(student, teacher, *rest), rtol=0, atol=1e-6
        )


@given(row_pairs, temperatures, st.floats(0.1, 10))
def test_logits_and_temperature_scaled_alike_scale_the_loss_by_the_square(rows, temperature, c):
    student, teacher = rows
    torch.testing.assert_close(
        soft_kl(c * student, c * teacher, c * temperature),
        c**2 * soft_kl(student, teacher, temperature),
        rtol=1e-6,
        atol=1e-8,
    )


def test_a_separate_teacher_temperature_softens_the_teacher_alone():
    student, teacher = batch()
    p, q = (teacher / 5).softmax(1), (student / 2).softmax(1)
    expected = 4 * (p * (p.log() - q.log())).sum(1).mean()
    torch.testing.assert_close(soft_kl(student, teacher, 2.0, 5.0), expected)
    torch.testing.assert_close(
        soft_cross_entropy(student, teacher, 2.0, 5.0), -4 * (p * q.log()).sum(1).mean()
    )


def test_a_student_may_be_as_sharp_as_a_softened_teacher():
    """z_s / 2 = z_t / 6: other logits, the same soft labels, so nothing to learn."""
    _, teacher = batch()
    assert soft_kl(teacher / 3, teacher, 2.0, 6.0).item() == pytest.approx(0, abs=1e-12)
    assert soft_kl(teacher / 3, teacher, 2.0).item() > 0.01


def test_a_teacher_temperature_of_zero_takes_the_students():
    student, teacher = batch()
    assert soft_kl(student, teacher, 3.0, 0.0) == soft_kl(student, teacher, 3.0, 3.0)


@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(0.5, 20))
def test_two_grades_are_the_sigmoid_form_of_one_logit(s, t, temperature):
    """KL of Bernoulli(sigmoid(s / T)), a two-class softmax on [0, s]."""
    p, q = (1 / (1 + np.exp(-x / temperature)) for x in (t, s))
    expected = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    pair = [torch.tensor([[0.0, x]], dtype=torch.float64) for x in (s, t)]
    made = soft_kl(*pair, temperature).item() / temperature**2
    assert made == pytest.approx(expected, abs=1e-9)


@given(row_pairs, temperatures)
def test_the_loss_and_the_slider_use_one_formula(rows, temperature):
    student, teacher = rows
    light = kl(teacher.numpy(), student.numpy(), temperature).mean()
    made = soft_kl(student, teacher, temperature).item()
    assert made == pytest.approx(temperature**2 * light, abs=1e-8)


def test_losses_are_means_over_the_batch():
    student, teacher = batch()
    rows = zip(student, teacher, strict=True)
    each = {
        "kl": lambda s, t: soft_kl(s, t, 2.0),
        "ce": lambda s, t: soft_cross_entropy(s, t, 2.0),
        "mse": mse_logits,
        "relevance": mse_probabilities,
    }
    pairs = [(s[None], t[None]) for s, t in rows]
    for loss in each.values():
        mean = torch.stack([loss(s, t) for s, t in pairs]).mean()
        torch.testing.assert_close(loss(student, teacher), mean)


@pytest.mark.parametrize("loss", LOSSES)
def test_huge_logits_give_finite_losses_and_gradients(loss):
    student = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], requires_grad=True)
    teacher = torch.tensor([[-1e4, 1e4, 0.0], [-1e4, 1e4, 0.0]])
    params = ResponseParams(loss=loss, temperature=0.25)
    made = make_objective("response", params, Shape(3, 1), Shape(3, 1))
    value = made(Outputs(student, student), Outputs(teacher, teacher))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(student.grad).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_the_knob_names_the_loss(loss):
    student, teacher = batch()
    params = ResponseParams(loss=loss, temperature=3.0, teacher_temperature=2.0)
    expected = {
        "kl": soft_kl(student, teacher, 3.0, 2.0),
        "ce": soft_cross_entropy(student, teacher, 3.0, 2.0),
        "mse_logits": mse_logits(student, teacher),
        "mse_probabilities": mse_probabilities(student, teacher),
    }[loss]
    made = make_objective("response", params, Shape(4, 8), Shape(4, 16))
    assert made(Outputs(student, student), Outputs(teacher, teacher)) == expected


def test_grades_that_differ_from_the_teachers_are_refused():
    with pytest.raises(ConfigError, match="2 grades cannot match the teacher's 4"):
        make_objective("response", ResponseParams(), Shape(2, 8), Shape(4, 8))


# the tutorial's three trainings, in plain arithmetic on a fixed batch

WEIGHT = torch.tensor([0.5, -1.0, 2.0])
BIAS = 0.3
POOLED = torch.tensor([[0.2, -0.4, 0.1], [0.9, 0.3, -0.7], [-0.5, 0.5, 0.5], [0.0, 0.1, 0.8]])
QUERY = torch.tensor([[1.0, 0.0, 0.5], [0.2, 0.9, -0.3], [0.4, 0.4, 0.4], [-1.0, 0.3, 0.0]])
AD = torch.tensor([[0.9, 0.1, 0.4], [-0.2, 0.3, 0.8], [0.5, 0.3, 0.4], [0.7, -0.6, 0.2]])
LABELS = torch.tensor([1, 0, 1, 0])


def tutorial_teacher() -> tuple[torch.Tensor, torch.Tensor]:
    """Its probability sigmoid(Linear(pooled)), and the same as two logits."""
    one = POOLED @ WEIGHT + BIAS
    return 1 / (1 + torch.exp(-one)), torch.stack([torch.zeros(4), one], dim=1)


def tutorial_student() -> tuple[torch.Tensor, torch.Tensor]:
    """Its probability (cos + 1) / 2, and the cosine."""
    cosine = (QUERY * AD).sum(1) / (QUERY.square().sum(1).sqrt() * AD.square().sum(1).sqrt())
    return (cosine + 1) / 2, cosine


def test_the_tutorials_teacher_ft_is_hard_mse_of_a_sigmoid():
    probability, two = tutorial_teacher()
    expected = ((probability - LABELS) ** 2).mean()
    torch.testing.assert_close(hard_mse(two, LABELS), expected)


def test_the_tutorials_student_ft_is_hard_mse_of_half_a_cosine():
    probability, cosine = tutorial_student()
    expected = ((probability - LABELS) ** 2).mean()
    torch.testing.assert_close(hard_mse(HalfCosine()(cosine), LABELS), expected)


def test_the_tutorials_student_kd_is_mse_probabilities_of_half_a_cosine():
    expected = ((tutorial_student()[0] - tutorial_teacher()[0]) ** 2).mean()
    made = mse_probabilities(HalfCosine()(tutorial_student()[1]), tutorial_teacher()[1])
    torch.testing.assert_close(made, expected)


def test_the_tutorials_gradients_are_the_same_too():
    """Not only the value: the way back through the two logits and the clamp."""
    query = QUERY.clone().requires_grad_()
    ours = mse_probabilities(HalfCosine()(F.cosine_similarity(query, AD)), tutorial_teacher()[1])
    (made,) = torch.autograd.grad(ours, query)
    theirs = (((F.cosine_similarity(query, AD) + 1) / 2 - tutorial_teacher()[0]) ** 2).mean()
    (expected,) = torch.autograd.grad(theirs, query)
    torch.testing.assert_close(made, expected)
