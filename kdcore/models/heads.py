"""Heads: how a vector, or one number, becomes logits over the grades."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdcore.errors import ConfigError


class Head(nn.Module):
    """Turns what an encoder gives into logits over the grades."""

    def fast_parameters(self) -> list[nn.Parameter]:
        """The parameters that learn faster than the rest of the model; usually none."""
        return []


class CumulativeLink(Head):
    """Grades from one number s: P(grade >= k) = sigmoid(a·s - b_k), a > 0, b_1 < b_2 < ...

    The proportional-odds model (McCullagh 1980). Its logits are log P(grade), so softmax at
    T = 1 gives the grades' probabilities; two grades make it TwinBERT's sigmoid(a·cos + b).
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(_inverse_softplus(8.0)))
        self.first = nn.Parameter(torch.tensor(0.0))
        self.gaps = nn.Parameter(torch.full((classes - 2,), _inverse_softplus(1.0)))

    def forward(self, s: Tensor) -> Tensor:
        """(batch,) numbers -> (batch, classes) logits."""
        x = F.softplus(self.scale) * s[:, None] - self.thresholds()  # (batch, classes - 1)
        above, below = x[:, :-1], x[:, 1:]
        # log(sigmoid(u) - sigmoid(v)) without cancellation, u > v
        middle = F.logsigmoid(above) + F.logsigmoid(-below) + torch.log(-torch.expm1(below - above))
        return torch.cat([F.logsigmoid(-x[:, :1]), middle, F.logsigmoid(x[:, -1:])], dim=1)

    def fast_parameters(self) -> list[nn.Parameter]:
        """All of them: three scalars decide every grade, and they start far from their end."""
        return [self.scale, self.first, self.gaps]

    def thresholds(self) -> Tensor:
        """(classes - 1,) ordered b_k."""
        return self.first + F.pad(F.softplus(self.gaps) + 1e-4, (1, 0)).cumsum(0)

    @torch.no_grad()
    def space_evenly(self, grade: int) -> None:
        """Put the thresholds one apart with a = 1, so that P(at least this grade) is sigmoid(s)."""
        self.scale.fill_(_inverse_softplus(1.0))
        self.gaps.fill_(_inverse_softplus(1.0 - 1e-4))
        self.first.fill_(1.0 - grade)

    @torch.no_grad()
    def calibrate(self, s: Tensor, shares: Tensor) -> None:
        """Start from the first batch: its spread sets a, the shares of grades set b.

        An untrained encoder gives cosines in a narrow band; without this the head spends the
        first epoch finding the band.

        s: (pairs,) untrained numbers. shares: (classes,) shares of the grades.
        """
        scale = 1.0 / max(float(s.std(correction=0)), 1e-2)
        at_least = shares.flip(0).cumsum(0).flip(0)[1:].clamp(0.01, 0.99)  # P(grade >= k)
        b = scale * float(s.mean()) - torch.log(at_least / (1 - at_least))
        self.scale.fill_(_inverse_softplus(scale))
        self.first.copy_(b[0])
        for i, gap in enumerate(b.diff().clamp_min(0.05).tolist()):
            self.gaps[i] = _inverse_softplus(gap)


class HalfCosine(Head):
    """The tutorial's head: P(relevant) = (cos + 1) / 2, nothing to learn; two grades only."""

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        if classes != 2:
            raise ConfigError(
                "This model cannot be used:",
                [f"params.head: half_cosine knows 2 grades, the data has {classes}; choose 'link'"],
            )

    def forward(self, s: Tensor) -> Tensor:
        """(batch,) cosines -> (batch, 2) logits whose softmax is that probability."""
        relevant = ((s + 1) / 2).clamp(1e-6, 1 - 1e-6)
        return torch.stack([torch.log1p(-relevant), torch.log(relevant)], dim=1)


class Crossing(Head):
    """TwinBERT's residual crossing: x = max(q, a) or [q; a]; relu(W2 relu(W1 x) + x).

    Its `grades` make logits of the crossed vector.
    """

    def __init__(self, width: int, inner: int, classes: int, combine: str) -> None:
        super().__init__()
        self.combine = combine
        self.wide = wide = 2 * width if combine == "concat" else width
        self.inner = nn.Linear(wide, inner)
        self.outer = nn.Linear(inner, wide)
        self.grades = nn.Linear(wide, classes)

    def cross(self, query: Tensor, ad: Tensor) -> Tensor:
        """Two (batch, width) -> the (batch, wide) crossed vector."""
        x = torch.cat([query, ad], dim=1) if self.combine == "concat" else torch.maximum(query, ad)
        return F.relu(self.outer(F.relu(self.inner(x))) + x)


def cosine_logits(head: nn.Module, products: Tensor) -> Tensor:
    """(batch, classes) logits by a head of the cosine, or by a linear head of the products.

    products: (batch, width) of two unit vectors, place by place; their sum is the cosine.
    """
    logits: Tensor = head(products if isinstance(head, nn.Linear) else products.sum(dim=1))
    return logits


def _inverse_softplus(y: float) -> float:
    return y + math.log(-math.expm1(-y))
