"""Checkpoints: all that a killed run needs to go on to the same result; safetensors and JSON.

A checkpoint is one safetensors file and, written after it, checkpoint.json that names it: a kill
between the two leaves the one before. The best epoch so far has a file of its own.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from kdcore.errors import RunError
from kdcore.workspace import replacing, write_json_atomic

CARD = "checkpoint.json"


@dataclass(frozen=True)
class Progress:
    """Where a run stands: steps done, the best validation so far, and what it was trained on."""

    step: int
    best_step: int
    best_value: float  # higher is better, whatever it is selected by
    data_hash: str
    config_hash: str
    seconds: float
    seen: tuple[int, ...] = ()  # steps that were validated


def save_checkpoint(
    folder: Path, progress: Progress, modules: Mapping[str, nn.Module], optimizer: Any
) -> None:
    """Write everything, then point to it, then drop what is no longer pointed to."""
    tensors = {"rng.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    for name, module in modules.items():
        tensors |= {f"{name}/{key}": value for key, value in module.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{key}": value for key, value in state.items()}
    name = f"step-{progress.step:08d}.safetensors"
    write_tensors(folder / name, tensors)
    write_json_atomic(folder / CARD, asdict(progress) | {"file": name})
    for old in folder.glob("step-*.safetensors"):
        if old.name != name:
            old.unlink()


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Tensors as safetensors, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, temporary)


def load_checkpoint(
    folder: Path, modules: Mapping[str, nn.Module], optimizer: Any
) -> Progress | None:
    """Put everything back; None when there is no checkpoint."""
    if not (folder / CARD).exists():
        return None
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        tensors = load_file(folder / card.pop("file"))
    except (OSError, ValueError, KeyError) as cause:
        raise RunError(
            f"the checkpoint in {folder} cannot be read ({cause}); delete that folder to start anew"
        ) from cause
    best = -math.inf if card["best_value"] is None else card["best_value"]  # JSON has no infinity
    progress = Progress(**{**card, "best_value": best, "seen": tuple(card["seen"])})
    for name, module in modules.items():
        module.load_state_dict(_under(tensors, f"{name}/"))
    _restore_optimizer(optimizer, _under(tensors, "optimizer/"))
    torch.set_rng_state(tensors["rng.cpu"])
    if torch.cuda.is_available() and "rng.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["rng.cuda"])
    return progress


def _restore_optimizer(optimizer: Any, tensors: Mapping[str, Tensor]) -> None:
    whole = optimizer.state_dict()
    whole["state"] = {}
    for key, value in tensors.items():
        index, _, name = key.partition("/")
        whole["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(whole)


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
