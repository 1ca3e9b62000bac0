"""Heads: one number becomes soft labels over the grades, and back to papers' formulas."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kdcore.errors import ConfigError
from kdcore.models.heads import Crossing, CumulativeLink, HalfCosine

CLASSES = (2, 3, 4, 5)


def random_link(classes: int, seed: int = 0) -> CumulativeLink:
    """A head whose three kinds of weights are anywhere."""
    head = CumulativeLink(classes)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in head.parameters():
            weight.copy_(2 * torch.randn(weight.shape, generator=generator))
    return head


@pytest.mark.parametrize("classes", CLASSES)
@given(seed=st.integers(0, 2**16), s=st.floats(-1, 1))
def test_link_logits_are_log_probabilities_that_sum_to_one(classes, seed, s):
    logits = random_link(classes, seed)(torch.tensor([s]))
    assert logits.shape == (1, classes)
    assert logits.exp().sum().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("classes", CLASSES)
def test_link_is_the_proportional_odds_model(classes):
    """P(grade >= k) = sigmoid(a·s - b_k), written out."""
    head, s = random_link(classes, 3), torch.linspace(-1, 1, 9)
    at_least = head(s).softmax(1).flip(1).cumsum(1).flip(1)[:, 1:]
    a = torch.nn.functional.softplus(head.scale)
    torch.testing.assert_close(at_least, torch.sigmoid(a * s[:, None] - head.thresholds()))


@pytest.mark.parametrize("classes", CLASSES)
@given(seed=st.integers(0, 2**16))
def test_thresholds_are_strictly_ordered_whatever_the_weights(classes, seed):
    assert (random_link(classes, seed).thresholds().diff() > 0).all()


@pytest.mark.parametrize("classes", CLASSES)
@given(seed=st.integers(0, 2**16))
def test_a_larger_number_never_makes_a_good_grade_less_likely(classes, seed):
    probabilities = random_link(classes, seed)(torch.linspace(-1, 1, 41)).softmax(1).double()
    at_least = probabilities.flip(1).cumsum(1).flip(1)[:, 1:]
    assert (at_least.diff(dim=0) >= -1e-6).all()


def test_two_grades_make_the_link_twinberts_logistic_regression():
    """Lu et al. 2020: p = sigmoid(a·cos + b)."""
    head, s = random_link(2, 5), torch.linspace(-1, 1, 9)
    a, b = torch.nn.functional.softplus(head.scale), -head.first
    torch.testing.assert_close(head(s).softmax(1)[:, 1], torch.sigmoid(a * s + b))


@pytest.mark.parametrize("classes", CLASSES)
def test_link_and_its_gradients_stay_finite_for_any_number(classes):
    head = CumulativeLink(classes)
    s = torch.tensor([-1e3, -30.0, -1.0, 0.0, 1.0, 30.0, 1e3], requires_grad=True)
    logits = head(s)
    assert torch.isfinite(logits).all()
    logits[:, 0].sum().backward(retain_graph=True)
    logits.logsumexp(1).sum().backward(retain_graph=True)
    logits.sum().backward()
    assert all(torch.isfinite(w.grad).all() for w in (s, *head.parameters()))


def test_link_stays_finite_when_two_thresholds_all_but_meet():
    head = CumulativeLink(4)
    with torch.no_grad():
        head.gaps.fill_(-200.0)
    logits = head(torch.linspace(-1, 1, 5))
    assert torch.isfinite(logits).all()
    logits.sum().backward()
    assert torch.isfinite(head.gaps.grad).all()


@pytest.mark.parametrize("shares", [(0.3, 0.7), (0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.2, 0.2)])
def test_a_calibrated_link_answers_the_shares_at_the_middle_of_the_batch(shares):
    s = 0.9 + 0.02 * torch.randn(512, generator=torch.Generator().manual_seed(0))
    head = CumulativeLink(len(shares))
    head.calibrate(s, torch.tensor(shares))
    middle = head(s.mean()[None]).softmax(1)[0]
    torch.testing.assert_close(middle, torch.tensor(shares), rtol=0, atol=2e-3)
    mean = head(s).softmax(1).mean(0)
    torch.testing.assert_close(mean, torch.tensor(shares), rtol=0, atol=0.1)


@pytest.mark.parametrize("shares", [(1.0, 0.0), (0.0, 1.0), (0.5, 0.0, 0.0, 0.5)])
@pytest.mark.parametrize("s", [[0.4], [0.4, 0.4], [-1.0, 1.0]])
def test_a_batch_of_one_number_or_a_grade_never_seen_still_calibrates(shares, s):
    head = CumulativeLink(len(shares))
    head.calibrate(torch.tensor(s), torch.tensor(shares))
    assert torch.isfinite(head(torch.linspace(-1, 1, 5))).all()


def test_half_cosine_gives_the_tutorials_probability():
    cosines = torch.linspace(-0.99, 0.99, 12)
    torch.testing.assert_close(HalfCosine()(cosines).softmax(1)[:, 1], (cosines + 1) / 2)


def test_half_cosine_is_finite_at_both_ends():
    ends = torch.tensor([-1.0, 1.0, -1.0000001, 1.0000001], requires_grad=True)
    logits = HalfCosine()(ends)
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert torch.isfinite(ends.grad).all()


def test_half_cosine_refuses_more_than_two_grades(make, pairs4):
    with pytest.raises(ConfigError, match="choose 'link'"):
        make("twin weighted", pairs4, head="half_cosine")


def test_the_residual_crossing_is_the_papers_formula():
    """y = relu(W2 relu(W1 x + b1) + b2 + x) with x = max(q, a) or [q; a]."""
    query, ad = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(1))
    for combine, x in (("max", torch.maximum(query, ad)), ("concat", torch.cat([query, ad], 1))):
        crossing = Crossing(6, 7, 3, combine)
        crossed = crossing.cross(query, ad)
        inner = (x @ crossing.inner.weight.T + crossing.inner.bias).clamp_min(0)
        y = (inner @ crossing.outer.weight.T + crossing.outer.bias + x).clamp_min(0)
        torch.testing.assert_close(crossed, y)
        logits = y @ crossing.grades.weight.T + crossing.grades.bias
        torch.testing.assert_close(crossing.grades(crossed), logits)
