"""Relational distillation: distances and angles between the pairs of a batch, not the vectors.

Park et al. 2019 (arXiv:1904.05068). Student and teacher may have any width, without a projection:
only what stands between the vectors of a batch is compared. Moving, rotating or scaling all vectors
of a side changes nothing.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kdcore.errors import ConfigError
from kdcore.objectives.base import Objective, Shape
from kdcore.outputs import Outputs

ROUNDED = 64  # rounding errors: vectors whose squared distance is no more count as equal


def distances(x: Tensor) -> Tensor:
    """(batch, batch) Euclidean distances of (batch, width), over the mean of the positive ones.

    Equal vectors are at distance 0, with a zero gradient. All equal: all 0.
    """
    lengths, apart = _gaps(_products(x), x.dtype)
    d = lengths * apart
    mean = d.sum() / apart.sum().clamp_min(1)
    return d / mean.where(mean > 0, 1)


def angles(x: Tensor) -> Tensor:
    """(batch, batch, batch) cosine of the angle at i between j and k, of (batch, width).

    Where two of the three are equal there is no angle: 0, with a zero gradient.
    """
    products = _products(x)
    lengths, apart = _gaps(products, x.dtype)
    inverse = apart / lengths
    # (x_j - x_i)(x_k - x_i) = x_j x_k - x_i x_j + (x_i x_i - x_i x_k)
    own = products.diagonal()[:, None] - products
    dots = (products + (-products)[:, :, None]).add_(own[:, None])
    return dots.to(x.dtype) * inverse[:, :, None] * inverse[:, None]


def _products(x: Tensor) -> Tensor:
    """(batch, batch) dot products of (batch, width), seen from their mean, in float64.

    One matrix product costs a fifth of a difference for every two vectors. In float32 it would
    cancel, so that near vectors count as equal; on mps, which has no float64, they do.
    """
    x = x if x.device.type == "mps" else x.double()
    x = x - x.mean(dim=0)
    return x @ x.T


def _gaps(products: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """(batch, batch) distances, 1 between equal vectors, and whether two are apart."""
    squares = products.diagonal()
    both = squares[:, None] + squares
    squared = both - 2 * products
    apart = squared > ROUNDED * torch.finfo(products.dtype).eps * both
    return squared.where(apart, 1).to(dtype).sqrt(), apart


def distance_loss(s: Tensor, t: Tensor) -> Tensor:
    """Smooth L1 between the distances of both sides, mean over all entries; 0 when they agree.

    The paper's Huber loss; the zero diagonal counts, as in the official code.
    """
    return F.smooth_l1_loss(distances(s), distances(t))


def angle_loss(s: Tensor, t: Tensor, cap: int = 0) -> Tensor:
    """Smooth L1 between the angles of both sides, mean over all triplets; 0 when they agree.

    Memory grows with the third power of the batch: of a larger one than `cap`, `cap` rows at
    even distances are taken; 0 takes all.
    """
    if cap and len(s) > cap:
        rows = torch.arange(cap, device=s.device) * len(s) // cap
        s, t = s[rows], t[rows]
    return F.smooth_l1_loss(angles(s), angles(t))


@dataclass(frozen=True)
class Relation:
    """Both losses of the pooled vectors, weighted, as an objective."""

    distance: float
    angle: float
    cap: int
    unit_teacher: bool

    def __call__(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Mean loss of a batch; a batch of one pair has no relation and gives 0."""
        s, t = student.features, teacher.features
        if self.unit_teacher:
            t = F.normalize(t, dim=1)
        total = s.new_zeros(())
        if self.distance:
            total = total + self.distance * distance_loss(s, t)
        if self.angle:
            total = total + self.angle * angle_loss(s, t, self.cap)
        return total


def objective(params: Any, student: Shape, teacher: Shape) -> Objective:
    """Relational distillation with these knobs (params.RelationParams)."""
    problems = []
    if not teacher.features:
        problems.append(
            "teacher: its vectors were not stored, since it was imported as scores; choose a run"
        )
    if not params.distance_weight and not params.angle_weight:
        problems.append("distance_weight, angle_weight: both are 0; 1 and 2 are a safe start")
    if problems:
        raise ConfigError("This student cannot learn relations from this teacher:", problems)
    return Relation(
        params.distance_weight, params.angle_weight, params.angle_cap, params.unit_teacher
    )
