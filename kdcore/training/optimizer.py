"""How weights move: fused AdamW, a warm-up, a decay; and whether they are numbers still."""

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from kdcore.config import TrainingConfig

HEAD_SCALARS = frozenset({"crossing.scale", "crossing.first", "crossing.gaps"})


def make_optimizer(
    modules: Sequence[nn.Module], knobs: TrainingConfig, device: torch.device
) -> torch.optim.AdamW:
    """Fused AdamW; no decay for biases, norms and embeddings; a faster head of one number."""
    named = [(n, p) for m in modules for n, p in m.named_parameters() if p.requires_grad]
    inside = [part for m in modules for part in m.modules()]
    tables = {id(t.weight) for t in inside if isinstance(t, nn.Embedding | nn.EmbeddingBag)}
    plain = [p for _, p in named if p.dim() >= 2 and id(p) not in tables]
    head = [p for n, p in named if n in HEAD_SCALARS]
    known = {id(p) for p in (*plain, *head)}
    rest = [p for _, p in named if id(p) not in known]
    rate = knobs.learning_rate
    groups = [
        {"params": plain, "peak": rate, "weight_decay": knobs.weight_decay},
        {"params": rest, "peak": rate, "weight_decay": 0.0},
        {"params": head, "peak": min(20 * rate, 0.05), "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=rate, fused=device.type in ("cpu", "cuda"))


def set_rate(optimizer: torch.optim.Optimizer, step: int, total: int, warmup: float) -> None:
    """Each group's step size at this step: linear warm-up to its peak, then linear decay to 0."""
    warm = max(int(warmup * total), 1)
    share = min((step + 1) / warm, (total - step) / max(total - warm, 1), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share


def are_numbers(modules: Iterable[nn.Module]) -> bool:
    """Whether no weight is infinite or not-a-number; one question to the device."""
    weights = [p.detach() for module in modules for p in module.parameters()]
    # a norm is finite only when every number in it is
    return bool(torch.stack(torch._foreach_norm(weights)).isfinite().all())
