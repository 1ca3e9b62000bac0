"""Where the teacher's Outputs come from; a recipe asks by rows of its transfer set."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Encoded, Rows
from kdcore.outputs import Outputs
from kdcore.predictions import Predictions


class Teacher(Protocol):
    """Answers for some rows of the transfer set; its tensors carry no gradient."""

    def __call__(self, rows: Rows, batch: Batch) -> Outputs:
        """Outputs for these pairs; `batch` is the student's view of them."""
        ...

    def after_step(self, step: int) -> None:
        """Called when the student has moved: a peer learns, a snapshot may be taken."""
        ...


@dataclass(frozen=True)
class CachedTeacher:
    """Logits (and features) that were computed once: offline distillation at no cost a step."""

    logits: Tensor  # (pairs, classes), on the student's device
    features: Tensor  # (pairs, width), or (pairs, 0) when not kept

    @classmethod
    def of(cls, predictions: Predictions, device: torch.device) -> "CachedTeacher":
        """From a finished run's predictions on the transfer set."""
        features = predictions.features
        empty = torch.empty(len(predictions), 0, device=device)
        # copies: what Arrow reads from a file cannot be written to, which torch warns of
        return cls(
            torch.tensor(predictions.logits, dtype=torch.float32, device=device),
            empty if features is None else torch.tensor(features, device=device),
        )

    def __call__(self, rows: Rows, batch: Batch) -> Outputs:
        """Look the rows up."""
        index = torch.from_numpy(rows).to(self.logits.device)
        return Outputs(self.logits[index], self.features[index])

    def after_step(self, step: int) -> None:
        """A frozen teacher does not move."""


@dataclass(frozen=True)
class LiveTeacher:
    """A frozen model asked at every step: for hidden states and attentions, too big to keep."""

    model: PairModel
    encoded: Encoded
    device: torch.device
    wants: frozenset[str]

    def __call__(self, rows: Rows, batch: Batch) -> Outputs:
        """Run the teacher on the same pairs."""
        with torch.no_grad():
            own = self.model.batch(self.encoded, rows).to(self.device)
            outputs: Outputs = self.model(own, self.wants)
        return outputs

    def after_step(self, step: int) -> None:
        """A frozen teacher does not move."""
