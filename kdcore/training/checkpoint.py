"""Save and restore all that a killed run needs to end with the same result.

A checkpoint is one safetensors file and, written after it, checkpoint.json that names it: a kill
between the two leaves the one before. The best epoch so far has a file of its own, named by its
step, so that an older card never points to newer weights.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from kdcore.errors import RunError
from kdcore.workspace import replacing, write_json_atomic

CARD = "checkpoint.json"
PEERS = "peers"  # of the card
Parts = list[dict[str, Tensor]]  # the losses of each step that no metric line holds yet


@dataclass(frozen=True)
class Progress:
    """Where a run stands: steps done, the best validation so far, and what it was trained on."""

    step: int
    best_step: int  # 0 before the first validation
    best_value: float  # higher is better, whatever it is selected by
    data_hash: str
    config_hash: str
    seconds: float = 0.0  # that the run had taken by then, earlier processes included


class Checkpoints:
    """The checkpoint folder of a run: the newest state of all that learns, and the best weights."""

    def __init__(
        self, folder: Path, modules: Mapping[str, nn.Module], optimizer: Any, device: torch.device
    ) -> None:
        self.folder, self.modules, self.optimizer = folder, modules, optimizer
        self.device = device
        self._pointed = 0  # the best step that the card on disk names

    def save(self, progress: Progress, pending: Parts, peers: Sequence["State"] = ()) -> None:
        """Write everything, then point to it, then drop what is no longer pointed to.

        peers: those that learn in the same steps: one file holds all, so that none is ahead.
        """
        tensors = _random_states(self.device) | self._tensors(pending)
        for number, (peer, _, parts) in enumerate(peers):
            tensors |= {f"peer{number}/{key}": t for key, t in peer._tensors(parts).items()}
        name = f"step-{progress.step:08d}.safetensors"
        write_tensors(self.folder / name, tensors)
        card = asdict(progress) | {"file": name}
        card |= {PEERS: [asdict(each) for _, each, _ in peers]} if peers else {}
        write_json_atomic(self.folder / CARD, card)
        self._drop("step-*", {name})
        for checkpoints, each in ((self, progress), *((peer, each) for peer, each, _ in peers)):
            checkpoints._pointed = each.best_step
            checkpoints._drop("best-*", {checkpoints.best_path(each.best_step).name})

    def _tensors(self, pending: Parts) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        for name, module in self.modules.items():
            tensors |= {f"{name}/{key}": value for key, value in module.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{key}": value for key, value in state.items()}
        # losses that no metric line holds yet, so that a line over a stop is the same
        for key in pending[0] if pending else ():
            tensors[f"pending/{key}"] = torch.stack([parts[key] for parts in pending])
        return tensors

    def save_best(self, step: int) -> None:
        """Save the weights of now as the best, beside those that the last checkpoint names."""
        write_tensors(self.best_path(step), self.modules["model"].state_dict())
        self._drop("best-*", {self.best_path(at).name for at in (step, self._pointed)})

    def load_best(self, step: int) -> None:
        """Load the weights that the model had at this step."""
        self.modules["model"].load_state_dict(self._read(self.best_path(step)))

    def best_path(self, step: int) -> Path:
        """The file of the best weights, when they are those of this step."""
        return self.folder / f"best-{step:08d}.safetensors"

    def progress(self) -> Progress | None:
        """The progress of the last checkpoint; None when there is none."""
        return self._card()[1] if (self.folder / CARD).exists() else None

    def restore(self, peers: Sequence["Checkpoints"] = ()) -> list[tuple[Progress, Parts]]:
        """Restore everything from the last checkpoint; return progress and pending losses of each.

        peers: those that learn in the same steps; they come after this one.
        """
        path, progress, of_peers = self._card()
        tensors = self._read(path)
        try:
            states = [(progress, self._load(tensors, progress))]
            for number, (peer, each) in enumerate(zip(peers, of_peers, strict=True)):
                states.append((each, peer._load(_under(tensors, f"peer{number}/"), each)))
            _restore_random(tensors, self.device)
        except (RuntimeError, KeyError, ValueError) as cause:
            raise self._unreadable(cause) from cause
        return states

    def _load(self, tensors: Mapping[str, Tensor], progress: Progress) -> Parts:
        for name, module in self.modules.items():
            module.load_state_dict(_under(tensors, f"{name}/"))
        _restore_optimizer(self.optimizer, _under(tensors, "optimizer/"))
        self._pointed = progress.best_step
        pending = {k: v.to(self.device) for k, v in _under(tensors, "pending/").items()}
        return [
            dict(zip(pending, step, strict=True)) for step in zip(*pending.values(), strict=True)
        ]

    def _card(self) -> tuple[Path, Progress, list[Progress]]:
        try:
            card = json.loads((self.folder / CARD).read_text(encoding="utf-8"))
            peers = [Progress(**each) for each in card.pop(PEERS, ())]
            return self.folder / card.pop("file"), Progress(**card), peers
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as cause:
            raise self._unreadable(cause) from cause

    def _read(self, path: Path) -> dict[str, Tensor]:
        try:
            tensors: dict[str, Tensor] = load_file(path)
        except (OSError, SafetensorError) as cause:
            raise self._unreadable(cause) from cause
        return tensors

    def _unreadable(self, cause: Exception) -> RunError:
        return RunError(
            f"the checkpoint in {self.folder} cannot be read ({str(cause).splitlines()[0]}); "
            "delete that folder to start over"
        )

    def _drop(self, pattern: str, keep: set[str]) -> None:
        for old in self.folder.glob(pattern):
            if old.name not in keep:
                old.unlink()


State = tuple[Checkpoints, Progress, Parts]  # of one that learns in the same steps


def seconds_before(folder: Path) -> float:
    """How long a run had taken by its last checkpoint; 0 without one, or when it does not say."""
    try:
        seconds = json.loads((folder / CARD).read_text(encoding="utf-8"))["seconds"]
        return max(float(seconds), 0.0)
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors; the file is complete or not there."""
    with replacing(path) as temporary:
        save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, temporary)


def _random_states(device: torch.device) -> dict[str, Tensor]:
    states = {"random/cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["random/device"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["random/device"] = torch.mps.get_rng_state()
    return states


def _restore_random(tensors: Mapping[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(tensors["random/cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random/device"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(tensors["random/device"])


def _restore_optimizer(optimizer: Any, tensors: Mapping[str, Tensor]) -> None:
    whole = optimizer.state_dict()
    whole["state"] = {}
    for key, value in tensors.items():
        index, _, name = key.partition("/")
        whole["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(whole)


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
