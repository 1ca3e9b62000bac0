"""Feature distillation equals its formulas; padding and scale do not slip in."""

import math

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from kdcore.errors import ConfigError
from kdcore.objectives.base import Shape, make_objective
from kdcore.objectives.feature import LOSSES, cosine, cross_entropy, hint, l1, l2
from kdcore.objectives.params import FeatureParams
from kdcore.outputs import Outputs

S = torch.tensor([[3.0, 4.0], [1.0, 0.0]], dtype=torch.float64)
T = torch.tensor([[4.0, 3.0], [0.0, 2.0]], dtype=torch.float64)
MASK = torch.tensor([[1, 1, 1], [1, 0, 0]]).bool()
each = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def tokens(seed: int, width: int = 4, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, width, generator=generator, dtype=torch.float64)


def outputs(seed: int, width: int, layers: int = 3, features: int = 5) -> Outputs:
    states = tuple(tokens(10 * seed + i, width) for i in range(layers))
    pooled = torch.randn(2, features, generator=torch.Generator().manual_seed(seed)).double()
    first = tuple(state[:, 0] for state in states)
    return Outputs(pooled[:, :2], pooled, first, states, mask=MASK)


def shape(width: int, layers: int = 3, features: int = 5) -> Shape:
    return Shape(2, features, layers, width)


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        (l2, (1 + 1 + 1 + 4) / 4),
        (l1, (1 + 1 + 1 + 2) / 4),
        (hint, (1 + 1 + 1 + 4) / 2 / 2),  # half the squared distance of each of two vectors
        (cosine, ((1 - 24 / 25) + 1) / 2),
    ],
)
def test_values_by_hand(loss, value):
    assert loss(S, T).item() == pytest.approx(value)


def test_cross_entropy_is_of_the_softmax_over_the_width():
    p = [math.exp(1) / (1 + math.exp(1)), 1 / (1 + math.exp(2))]  # of the teacher's two vectors
    q = [1 / (1 + math.exp(1)), math.exp(1) / (1 + math.exp(1))]
    rows = [-a * math.log(b) - (1 - a) * math.log(1 - b) for a, b in zip(p, q, strict=True)]
    assert cross_entropy(S, T).item() == pytest.approx(sum(rows) / 2)


@each
def test_padding_counts_for_nothing(loss):
    """A mean over all places would shrink with every shorter text of the batch."""
    s, t = tokens(0), tokens(1)
    noise = ~MASK[..., None] * 100.0
    torch.testing.assert_close(loss(s + noise, t - noise, MASK), loss(s[MASK], t[MASK]))
    assert loss(s, t, torch.zeros_like(MASK)).item() == 0  # and no 0 / 0


@each
def test_a_loss_has_its_floor_where_student_and_teacher_agree(loss):
    t = tokens(1)
    s = t.clone().requires_grad_()
    value = loss(s, t, MASK)
    (gradient,) = torch.autograd.grad(value, s)
    assert gradient.abs().max() < 1e-9
    assert value.item() == pytest.approx(0, abs=1e-12) or loss is cross_entropy


@each
def test_gradients_are_right(loss):
    s, t = tokens(0).requires_grad_(), tokens(1)
    assert gradcheck(lambda x: loss(x, t, MASK), (s,))


def test_the_cosine_ignores_length_and_a_zero_vector_gives_no_nan():
    s, t = tokens(0), tokens(1)
    torch.testing.assert_close(cosine(7 * s, t, MASK), cosine(s, t, MASK))
    zero = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    value = cosine(zero, torch.ones(1, 4, dtype=torch.float64))
    assert value.item() == 1
    assert torch.autograd.grad(value, zero)[0].abs().max() == 0


def test_pooled_vectors_of_one_width_need_no_projection():
    made = make_objective("feature", FeatureParams(), shape(4), shape(6))
    assert list(made.parameters()) == []
    mine, theirs = outputs(1, 4), outputs(2, 6)
    torch.testing.assert_close(made(mine, theirs), l2(mine.features, theirs.features))


@pytest.mark.parametrize("on", ["pooled", "tokens", "cls"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_projection_learns_to_bridge_the_widths(on, loss):
    """Without it the widths could not meet; with it alone the loss can fall."""
    torch.manual_seed(0)
    params = FeatureParams(on=on, loss=loss)
    made = make_objective("feature", params, shape(4, features=3), shape(6)).double()
    mine, theirs = outputs(1, 4, features=3), outputs(2, 6)
    optimizer = torch.optim.Adam(made.parameters(), lr=0.05)
    values = []
    for _ in range(40):
        optimizer.zero_grad()
        values.append(made(mine, theirs))
        values[-1].backward()
        optimizer.step()
    assert values[-1] < values[0]
    assert isinstance(made.project, nn.Linear)
    assert made.project.weight.shape == ((6, 4) if on != "pooled" else (5, 3))


def test_a_projection_of_equal_widths_is_an_option():
    made = make_objective("feature", FeatureParams(projection="always"), shape(4), shape(6))
    assert made.project.weight.shape == (5, 5)


def test_token_states_are_compared_layer_by_layer():
    params = FeatureParams(on="tokens", layers="skip", loss="cosine")
    made = make_objective("feature", params, shape(4), shape(4, layers=5))
    mine, theirs = outputs(1, 4), outputs(2, 4, layers=5)
    pairs = [
        cosine(mine.hidden_states[k], theirs.hidden_states[2 * k], MASK) for k in (1, 2)
    ]  # state 0 is the embeddings
    torch.testing.assert_close(made(mine, theirs), sum(pairs) / 2)


def test_fitnets_hint_is_the_middle_layer_through_a_regressor():
    params = FeatureParams(on="tokens", layers="middle", loss="hint")
    made = make_objective("feature", params, shape(4), shape(6, layers=5)).double()
    mine, theirs = outputs(1, 4), outputs(2, 6, layers=5)
    gap = theirs.hidden_states[2] - mine.hidden_states[1] @ made.project.weight.T
    expected = (gap.square().sum(-1) / 2)[MASK].mean()
    torch.testing.assert_close(made(mine, theirs), expected)


def test_cls_reads_the_first_token_alone():
    made = make_objective("feature", FeatureParams(on="cls", layers="2:2"), shape(4), shape(4))
    mine, theirs = outputs(1, 4), outputs(2, 4)
    expected = l2(mine.hidden_states[2][:, 0], theirs.hidden_states[2][:, 0])
    torch.testing.assert_close(made(mine, theirs), expected)


def test_a_teacher_without_vectors_and_a_student_without_token_states_are_refused():
    with pytest.raises(ConfigError, match=r"the teacher's 0; .* choose a run"):
        make_objective("feature", FeatureParams(), shape(4), Shape(2, 0))
    with pytest.raises(ConfigError, match="this student gives no hidden states"):
        make_objective("feature", FeatureParams(on="tokens"), Shape(2, 5), shape(4))
