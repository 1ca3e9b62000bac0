"""Feature distillation: the student's vectors resemble its teacher's, through a projection.

Every loss reads s and t, (batch, width) pooled vectors or (batch, tokens, width) token states of
equal width, and the mask of real tokens, (batch, tokens) or None. A loss is the mean over the real
tokens of the batch, so padding counts for nothing. The losses are those of the survey's Table 1
(Gou et al. 2021, arXiv:2006.05525) and of the tutorial's slide on features.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from kdcore.errors import ConfigError
from kdcore.objectives.base import Objective, Shape
from kdcore.objectives.layers import Pair, blocks_of, layer_pairs, token_mask
from kdcore.outputs import Outputs

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def l2(s: Tensor, t: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean squared difference over width and real tokens; 0 when the vectors are equal."""
    return _token_mean((s - t).square().mean(dim=-1), mask)


def l1(s: Tensor, t: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean absolute difference over width and real tokens; 0 when the vectors are equal."""
    return _token_mean((s - t).abs().mean(dim=-1), mask)


def hint(s: Tensor, t: Tensor, mask: Tensor | None = None) -> Tensor:
    """½ ‖t - s‖², mean over real tokens: l2 times half the width.

    FitNets (Romero et al. 2015, arXiv:1412.6550): t is the teacher's hint, s the student's
    guided layer after the regressor.
    """
    return l2(s, t, mask) * (s.shape[-1] / 2)


def cross_entropy(s: Tensor, t: Tensor, mask: Tensor | None = None) -> Tensor:
    """Cross-entropy of the softmax over the width, teacher's as the target; floor: its entropy.

    The survey names cross-entropy on features without saying how a vector becomes a distribution;
    the softmax over the width is ours.
    """
    return _token_mean(-(t.softmax(dim=-1) * s.log_softmax(dim=-1)).sum(dim=-1), mask)


def cosine(s: Tensor, t: Tensor, mask: Tensor | None = None) -> Tensor:
    """1 - cos(s, t), mean over real tokens: direction counts, length does not; 0 to 2.

    DistilBERT's third loss (Sanh et al. 2019, arXiv:1910.01108). A vector of zeros has no direction
    and costs 1, with a zero gradient.
    """
    norms = [torch.linalg.vector_norm(x, dim=-1) for x in (s, t)]
    some = (norms[0] > 0) & (norms[1] > 0)
    product = (s * t).sum(dim=-1) / (norms[0] * norms[1]).where(some, 1)
    return _token_mean(1 - product.where(some, 0), mask)


def _token_mean(values: Tensor, mask: Tensor | None) -> Tensor:
    """Mean of (batch, tokens) or (batch,) values over the real tokens."""
    if mask is None:
        return values.mean()
    return (values * mask).sum() / mask.sum().clamp_min(1)


LOSSES: dict[str, Loss] = {
    "l2": l2,
    "l1": l1,
    "hint": hint,
    "cross_entropy": cross_entropy,
    "cosine": cosine,
}


class Feature(nn.Module):
    """A loss of pooled vectors, or of token states over pairs of layers, as an objective.

    pairs: () compares the pooled vectors. first: only the token states of [CLS]. The projection
    from the student's width to the teacher's is one linear map for all layers, without bias
    (TinyBERT's W_h); it is learned beside the student and dropped after the training.
    """

    def __init__(
        self, loss: Loss, pairs: tuple[Pair, ...], first: bool, widths: tuple[int, int] | None
    ) -> None:
        super().__init__()
        self.loss, self.pairs, self.first = loss, pairs, first
        self.project = nn.Identity() if widths is None else nn.Linear(*widths, bias=False)

    def forward(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Mean loss of a batch, and over the pairs of layers."""
        if not self.pairs:
            return self.loss(self.project(student.features), teacher.features, None)
        mask = None if self.first else token_mask(student, teacher)
        losses = []
        for mine, theirs in self.pairs:
            if self.first:
                s, t = student.cls_states[mine], teacher.cls_states[theirs]
            else:
                s, t = student.hidden_states[mine], teacher.hidden_states[theirs]
            losses.append(self.loss(self.project(s), t, mask))
        return torch.stack(losses).mean()


def objective(params: Any, student: Shape, teacher: Shape) -> Objective:
    """Feature distillation with these knobs (params.FeatureParams)."""
    pairs: tuple[Pair, ...] = ()
    widths = student.features, teacher.features
    if params.on != "pooled":
        blocks = blocks_of(student, "student"), blocks_of(teacher, "teacher")
        pairs = layer_pairs(params.layers, *blocks)
        widths = student.hidden, teacher.hidden
    if 0 in widths:
        raise ConfigError(
            "This student cannot learn from this teacher's features:",
            [
                f"method: the student's vectors have {widths[0]} numbers and the teacher's "
                f"{widths[1]}; a teacher without vectors was imported as scores: choose a run"
            ],
        )
    straight = widths[0] == widths[1] and params.projection == "auto"
    return Feature(LOSSES[params.loss], pairs, params.on == "cls", None if straight else widths)
