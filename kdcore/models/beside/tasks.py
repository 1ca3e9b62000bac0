"""WithTasks: a model and the heads of other tasks, which read the vector that its own head reads.

Saved, the model is a folder like any other; the heads lie beside it in tasks.safetensors.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from kdcore.data.tasks import Task
from kdcore.errors import DataError
from kdcore.knobs import build
from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Encoded
from kdcore.outputs import Outputs

HEADS = "tasks.safetensors"  # in the folder of a model
SPREAD = 0.02  # of the first weights, as BERT's own classifier has


class WithTasks(PairModel):
    """A model whose encoder also serves other tasks, a linear head per task.

    Config, scheme and tokenizer are the model's, and so are its Outputs: those of relevance.
    """

    def __init__(self, model: PairModel, tasks: Sequence[Task], seed: int = 0) -> None:
        super().__init__(model.config, model.scheme, model.units)
        self.model: PairModel = model
        self.tasks = tuple(tasks)
        self.pads, self.notes = model.pads, model.notes
        self.reads_features = model.reads_features
        # random numbers of their own, so that the model learns as it would alone
        draws = torch.Generator().manual_seed(seed)
        self.heads = nn.ModuleList(_head(model.width, len(t.classes), draws) for t in self.tasks)

    @classmethod
    def load_beside(cls, model: PairModel, folder: Path) -> Self:
        """A stored model with the heads that lie beside it, if any; DataError for damaged ones."""
        if not (folder / HEADS).exists():
            return cls(model, ())
        try:
            with safe_open(folder / HEADS, "pt") as file:
                tasks = [build(Task, task) for task in json.loads(file.metadata()["tasks"])]
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            whole = cls(model, tasks)
            for task, head in zip(whole.tasks, whole.heads, strict=True):
                parts = ("weight", "bias")
                head.load_state_dict({part: weights[f"{task.name}.{part}"] for part in parts})
        except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as cause:
            raise DataError(
                f"the heads of tasks in {folder} cannot be read ({cause}); train the run again"
            ) from cause
        return whole

    def read(self, pairs: Any) -> Encoded:
        """Tokenize as the model does."""
        return self.model.read(pairs)

    def forward(self, batch: Batch, wants: frozenset[str] = frozenset()) -> Outputs:
        """The model's Outputs."""
        self.model.products = self.products
        outputs: Outputs = self.model(batch, wants)
        return outputs

    def answers(self, features: Tensor) -> Mapping[str, Tensor]:
        """(pairs, classes) logits of each task, by its name, of the model's pooled vectors."""
        dropout = getattr(self.config.params, "dropout", 0.0)
        read = F.dropout(features, dropout, self.training) if self.tasks else features
        return {t.name: head(read) for t, head in zip(self.tasks, self.heads, strict=True)}

    def embeddings(self) -> list[nn.Embedding | nn.EmbeddingBag]:
        """The model's tables."""
        return self.model.embeddings()

    def calibrate(self, batch: Batch, shares: Tensor) -> None:
        """Set the model's head from a first batch."""
        self.model.calibrate(batch, shares)

    @property
    def width(self) -> int:
        """The width of the model's vectors."""
        return self.model.width

    def save(self, folder: Path) -> None:
        """Write the model as it is alone, and its heads beside it."""
        self.model.save(folder)
        if self.tasks:
            weights = {
                f"{task.name}.{part}": tensor.contiguous()
                for task, head in zip(self.tasks, self.heads, strict=True)
                for part, tensor in head.state_dict().items()
            }
            # one entry: safetensors writes several in an order that changes from time to time
            card = {"tasks": json.dumps([asdict(task) for task in self.tasks])}
            save_file(weights, folder / HEADS, metadata=card)


def _head(width: int, classes: int, draws: torch.Generator) -> nn.Linear:
    head: nn.Linear = nn.utils.skip_init(nn.Linear, width, classes)  # type: ignore[no-untyped-call]
    nn.init.normal_(head.weight, std=SPREAD, generator=draws)
    nn.init.zeros_(head.bias)
    return head
