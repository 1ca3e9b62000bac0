"""Relational distillation equals its formulas, and equal vectors break nothing."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from kdcore.errors import ConfigError
from kdcore.objectives.base import Shape, make_objective
from kdcore.objectives.params import RelationParams
from kdcore.objectives.relation import angle_loss, angles, distance_loss, distances
from kdcore.outputs import Outputs

CORNER = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]], dtype=torch.float64)
BOTH = pytest.mark.parametrize("loss", [distance_loss, angle_loss])


def vectors(seed: int, rows: int = 6, width: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, width, generator=generator, dtype=torch.float64)


def turned(x: torch.Tensor) -> torch.Tensor:
    rotation, _ = torch.linalg.qr(vectors(9, x.shape[1], x.shape[1]))
    return 3 * x @ rotation + 5


def test_distances_of_a_triangle_over_their_mean():
    """Sides 3, 4 and 5, mean 4."""
    expected = torch.tensor([[0, 3, 4], [3, 0, 5], [4, 5, 0]], dtype=torch.float64) / 4
    torch.testing.assert_close(distances(CORNER), expected)


def test_angles_of_a_triangle():
    """The right angle at the corner, and the cosines 3/5 and 4/5 at the others."""
    cosines = angles(CORNER)
    assert cosines[0, 1, 2].item() == pytest.approx(0)
    assert cosines[1, 0, 2].item() == pytest.approx(3 / 5)
    assert cosines[2, 0, 1].item() == pytest.approx(4 / 5)
    assert cosines[0, 1, 1].item() == pytest.approx(1)
    assert cosines[0, 0, 1].item() == 0  # a vector has no direction to itself


def test_the_losses_are_smooth_l1_over_all_entries_written_out():
    s, t = vectors(0, 5), vectors(1, 5, 7)

    def written_out(x):
        rows = range(len(x))
        d = torch.tensor([[math.dist(x[i], x[j]) for j in rows] for i in rows])
        cosines = torch.tensor(
            [
                [[F.cosine_similarity(x[j] - x[i], x[k] - x[i], dim=0) for k in rows] for j in rows]
                for i in rows
            ]
        )
        return d / d[d > 0].mean(), cosines

    (s_d, s_a), (t_d, t_a) = written_out(s), written_out(t)
    assert distance_loss(s, t).item() == pytest.approx(F.smooth_l1_loss(s_d, t_d).item(), rel=1e-5)
    assert angle_loss(s, t).item() == pytest.approx(F.smooth_l1_loss(s_a, t_a).item(), rel=1e-5)


@BOTH
def test_moving_turning_and_scaling_a_side_changes_nothing(loss):
    s, t = vectors(0), vectors(1)
    torch.testing.assert_close(loss(turned(s), t), loss(s, t))
    assert loss(turned(t), t).item() == pytest.approx(0, abs=1e-12)


@BOTH
def test_gradients_are_right(loss):
    s, t = vectors(0).requires_grad_(), vectors(1, width=3)
    assert gradcheck(lambda x: loss(x, t), (s,))


@BOTH
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_vectors_give_finite_gradients_of_ordinary_size(loss, dtype):
    """The root and the division by a distance of 0 would give nan, a clamp 1e12."""
    s, t = vectors(0).to(dtype), vectors(1).to(dtype)
    s[1] = s[0]
    s[2] = s[0] + 1e-9
    s.requires_grad_()
    (gradient,) = torch.autograd.grad(loss(s, t), s)
    assert torch.isfinite(gradient).all()
    assert gradient.norm() < 10


@BOTH
def test_a_batch_of_equal_vectors_or_of_one_gives_no_nan(loss):
    for rows in (1, 4):
        s = torch.ones(rows, 3, requires_grad=True)
        value = loss(s, torch.ones(rows, 2))
        assert value.item() == 0
        assert torch.isfinite(torch.autograd.grad(value, s)[0]).all()


def test_near_vectors_keep_their_distance_in_single_precision():
    """Squares and products cancel: 1e-3 apart at length 100 would be measured as noise."""
    x = torch.tensor([[100.0, 0.0], [100.001, 0.0], [100.0, 0.003]])
    d = distances(x)
    assert (d[0, 2] / d[0, 1]).item() == pytest.approx(3, rel=0.02)


def test_the_angle_is_bounded_by_a_cap_on_the_batch():
    s, t = vectors(0, 20), vectors(1, 20)
    rows = [0, 4, 8, 12, 16]
    torch.testing.assert_close(angle_loss(s, t, cap=5), angle_loss(s[rows], t[rows]))
    torch.testing.assert_close(angle_loss(s, t, cap=20), angle_loss(s, t))
    assert angle_loss(s, t, cap=7).isfinite()


def test_the_objective_weighs_distance_and_angle_and_reads_the_teachers_directions():
    s, t = vectors(0), vectors(1, width=9)
    made = make_objective("relation", RelationParams(), Shape(2, 4), Shape(2, 9))
    unit = F.normalize(t, dim=1)
    expected = distance_loss(s, unit) + 2 * angle_loss(s, unit)
    torch.testing.assert_close(made(Outputs(s, s), Outputs(t, t)), expected)
    params = RelationParams(distance_weight=0, angle_weight=3, unit_teacher=False, angle_cap=3)
    made = make_objective("relation", params, Shape(2, 4), Shape(2, 9))
    torch.testing.assert_close(made(Outputs(s, s), Outputs(t, t)), 3 * angle_loss(s, t, 3))


def test_a_teacher_without_vectors_and_a_loss_without_weight_are_refused():
    with pytest.raises(ConfigError, match="its vectors were not stored"):
        make_objective("relation", RelationParams(), Shape(2, 4), Shape(2, 0))
    params = RelationParams(distance_weight=0, angle_weight=0)
    with pytest.raises(ConfigError, match="both are 0"):
        make_objective("relation", params, Shape(2, 4), Shape(2, 9))
