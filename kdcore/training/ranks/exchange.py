"""What the ranks of a training tell each other in a step, and the step of ranks far apart."""

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor

from kdcore.config import TrainingConfig
from kdcore.errors import RunError
from kdcore.training.devices import is_full_memory
from kdcore.training.optimizer import take_step, weights_of

Losses = dict[str, Tensor]


class PeerLostError(RunError):
    """Another rank has ended."""


class Weights(Protocol):
    """The weights of a model, and how one or several ranks move them."""

    def step(self, losses: Losses, step: int, total: int) -> Losses:
        """Take step number `step` of `total` down the gradients of all ranks' shares.

        losses: of this rank's share. Returns those of all ranks together.
        """


class OwnWeights:
    """Each rank has weights of its own and moves them by the same sum of all gradients.

    joined: whether there are other ranks.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, knobs: TrainingConfig, joined: bool
    ) -> None:
        self.optimizer, self.knobs, self.joined = optimizer, knobs, joined

    def step(self, losses: Losses, step: int, total: int) -> Losses:
        """Sum the gradients over the ranks, then move all weights."""
        if self.joined:
            gradients = [w.grad for w in weights_of(self.optimizer) if w.grad is not None]
            # the losses travel with the gradients: one exchange is cheaper than two
            *totals, of_all = summed([*gradients, stacked(losses)])
            for gradient, of_ranks in zip(gradients, totals, strict=True):
                gradient.copy_(of_ranks)
            losses = dict(zip(losses, of_all, strict=True))
        take_step(self.optimizer, self.knobs, step, total)
        return losses


def stacked(losses: Losses) -> Tensor:
    """(losses,) their values."""
    return torch.stack(list(losses.values())).float()


def summed(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Each tensor summed over the ranks, in one exchange."""
    flat = torch.cat([t.reshape(-1) for t in tensors])
    try:
        dist.all_reduce(flat)
    except RuntimeError as cause:
        if is_full_memory(cause):
            raise
        raise PeerLostError("a process of this run has ended") from cause
    parts = torch.split(flat, [t.numel() for t in tensors])
    return [part.view_as(t) for part, t in zip(parts, tensors, strict=True)]
