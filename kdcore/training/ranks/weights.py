"""The ranks of one machine train one copy of the weights, in memory that all of them map.

Each rank moves a part of every weight: it sums that part of the gradient over the ranks and keeps
AdamW's averages of it, as in ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054). So no gradient goes
through a socket, and the optimizer's work is shared out like the batch. In a step the ranks meet
three times: when all have shown their gradients, to tell how long the whole gradient is, and when
all have moved their parts of the weights.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from kdcore.config import TrainingConfig
from kdcore.training.optimizer import take_step, weights_of
from kdcore.training.ranks.exchange import Losses, stacked
from kdcore.training.ranks.meeting import Meeting
from kdcore.training.ranks.memory import shared_tensors

AVERAGES = ("exp_avg", "exp_avg_sq")  # what AdamW keeps of each weight
Parts = tuple[Tensor, ...]  # of one tensor, flat, a part for each rank


class SharedWeights:
    """The one copy of the weights, of which this rank moves its parts.

    It is made at the first step, when every rank has the same weights of its own: new ones, or
    those of a checkpoint.
    """

    def __init__(
        self,
        optimizer: torch.optim.AdamW,
        knobs: TrainingConfig,
        rank: int,
        size: int,
        meeting: Meeting,
    ) -> None:
        self.optimizer, self.knobs, self.meeting = optimizer, knobs, meeting
        self.rank, self.size = rank, size
        self._others = [other for other in range(size) if other != rank]
        self._weights = weights_of(optimizer)
        self._shown: list[list[Parts]] = []  # by each rank, of the gradient of each weight
        self._own: torch.optim.AdamW | None = None  # moves this rank's parts

    def step(self, losses: Losses, step: int, total: int) -> Losses:
        """Sum this rank's parts of all gradients, and move its parts of the weights."""
        own = self._own = self._own or self._share()
        gradients = {
            number: self._cut(weight.grad)
            for number, weight in enumerate(self._weights)
            if weight.grad is not None
        }
        self._show(gradients)
        of_all = self.meeting.sum(stacked(losses))  # all have shown theirs
        self._add(gradients)
        parts = weights_of(own)
        for number, gradient in gradients.items():
            parts[number].grad = gradient[self.rank]
        take_step(own, self.knobs, step, total, self._whole_norm)
        self.optimizer.zero_grad(set_to_none=True)
        self.meeting.wait()  # all have moved their parts
        return dict(zip(losses, of_all, strict=True))

    def _show(self, gradients: Mapping[int, Parts]) -> None:
        """Write the other ranks' parts to where they read them."""
        for other in self._others:
            places = [self._shown[self.rank][number][other] for number in gradients]
            torch._foreach_copy_(places, [parts[other] for parts in gradients.values()])

    def _add(self, gradients: Mapping[int, Parts]) -> None:
        """Add what the other ranks have written to this rank's parts."""
        own = [parts[self.rank] for parts in gradients.values()]
        for other in self._others:
            shown = [self._shown[other][number][self.rank] for number in gradients]
            torch._foreach_add_(own, shown)

    def _whole_norm(self, norm: Tensor) -> Tensor:
        """The norm of the whole gradient, of which this rank's parts have this norm."""
        return self.meeting.sum(norm.square()[None])[0].sqrt()

    def _cut(self, tensor: Tensor) -> Parts:
        """The part of each rank; that of the first is never empty."""
        return torch.tensor_split(tensor.reshape(-1), self.size)

    def _share(self) -> torch.optim.AdamW:
        """Move weights and averages to where all ranks see them; returns what moves the parts."""
        states = [_state(self.optimizer, weight) for weight in self._weights]
        own = [weight.data for weight in self._weights]
        averages = [state[name] for state in states for name in AVERAGES]
        places = shared_tensors([*own, *averages, *own * self.size], self.meeting)
        if self.rank == 0:
            torch._foreach_copy_(places[: 3 * len(own)], [*own, *averages])
        self.meeting.wait()
        left = iter(places)
        for weight in self._weights:
            weight.data = next(left)
        for state in states:
            state.update({name: next(left) for name in AVERAGES})
        self._shown = [[self._cut(next(left)) for _ in own] for _ in range(self.size)]
        return self._optimizer_of_parts()

    def _optimizer_of_parts(self) -> torch.optim.AdamW:
        """AdamW of this rank's parts, whose averages and counts of steps are those of the whole."""
        parts = {w: nn.Parameter(self._cut(w.data)[self.rank]) for w in self._weights}
        groups = [
            group | {"params": [parts[weight] for weight in group["params"]]}
            for group in self.optimizer.param_groups
        ]
        own = torch.optim.AdamW(groups, fused=True)
        for weight, part in parts.items():
            state = self.optimizer.state[weight]
            averages = {name: self._cut(state[name])[self.rank] for name in AVERAGES}
            own.state[part] = {"step": state["step"], **averages}
        return own


def _state(optimizer: torch.optim.AdamW, weight: Tensor) -> dict[str, Tensor]:
    """What the optimizer keeps of a weight; before the first step, what it begins with."""
    state: dict[str, Tensor] = optimizer.state[weight]
    if not state:
        state["step"] = torch.zeros(())
        state.update({name: torch.zeros_like(weight) for name in AVERAGES})
    return state
