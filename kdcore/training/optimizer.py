"""The optimizer of a training: its parameter groups, its schedule and one step of it."""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from kdcore.config import TrainingConfig
from kdcore.models.heads import Head

FASTER = 20  # how many times faster the parameters learn that a head names
FASTEST = 0.05  # and the step size that they never exceed


def make_optimizer(
    modules: Sequence[nn.Module], knobs: TrainingConfig, device: torch.device
) -> torch.optim.AdamW:
    """Create the fused AdamW optimizer with its parameter groups.

    Matrices decay; biases, norms and embedding tables do not. The parameters that a head names in
    `fast_parameters` do not decay either, and learn faster.
    """
    parts = [part for module in modules for part in module.modules()]
    tables = {id(t.weight) for t in parts if isinstance(t, nn.Embedding | nn.EmbeddingBag)}
    fast = {id(p) for part in parts if isinstance(part, Head) for p in part.fast_parameters()}
    matrices: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []  # and tables
    faster: list[nn.Parameter] = []
    for parameter in (p for module in modules for p in module.parameters() if p.requires_grad):
        if id(parameter) in fast:
            faster.append(parameter)
        elif parameter.dim() >= 2 and id(parameter) not in tables:
            matrices.append(parameter)
        else:
            vectors.append(parameter)
    rate = knobs.learning_rate
    # checkpoints number the parameters in this order, so it stays as it is
    groups = [
        {"params": matrices, "peak": rate, "weight_decay": knobs.weight_decay},
        {"params": vectors, "peak": rate, "weight_decay": 0.0},
        {"params": faster, "peak": min(FASTER * rate, FASTEST), "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=rate, fused=device.type in ("cpu", "cuda"))


def weights_of(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """The weights that it moves, in the order of its groups."""
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def take_step(
    optimizer: torch.optim.Optimizer,
    knobs: TrainingConfig,
    step: int,
    total: int,
    whole_norm: Callable[[Tensor], Tensor] = lambda norm: norm,
) -> None:
    """Move the weights by their gradients, a longer one than `clip` shortened; drop the gradients.

    The step size rises linearly to each group's peak in the warm-up, then falls linearly to 0.
    whole_norm: gives the norm of the whole gradient where the optimizer has only a part of it.
    """
    if knobs.clip:
        weights = weights_of(optimizer)
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        norm = whole_norm(get_total_norm(gradients, foreach=True))
        clip_grads_with_norm_(weights, knobs.clip, norm, foreach=True)
    warm = max(int(knobs.warmup * total), 1)
    share = min((step + 1) / warm, (total - step) / max(total - warm, 1), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def are_numbers(modules: Iterable[nn.Module]) -> bool:
    """Whether no weight is infinite or not-a-number; the device is asked once."""
    weights = [p.detach() for module in modules for p in module.parameters()]
    # a norm is finite only when every number in it is
    return bool(torch.stack(torch._foreach_norm(weights)).isfinite().all())
