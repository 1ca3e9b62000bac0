"""A teacher that is run at every step, for what is too large to store."""

from dataclasses import dataclass, replace

import torch

from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Encoded, Rows
from kdcore.outputs import Outputs
from kdcore.teachers.cached import CachedTeacher


@dataclass(frozen=True)
class LiveTeacher:
    """A frozen model that computes its hidden states and attentions at every step.

    encoded: its own tokens of the transfer set. wants: the fields of Outputs beside the logits.
    stored: its stored predictions, whose logits (in the grades of the data) and pooled features
    are handed out in place of fresh ones.
    """

    model: PairModel
    encoded: Encoded
    device: torch.device
    wants: frozenset[str]
    stored: CachedTeacher | None = None

    def __call__(self, rows: Rows, batch: Batch) -> Outputs:
        """Run the teacher on the same pairs."""
        with torch.no_grad():
            own = self.model.batch(self.encoded, rows).to(self.device)
            outputs: Outputs = self.model(own, self.wants)
        if self.stored is None:
            return outputs
        stored = self.stored(rows, batch)
        features = stored.features if stored.features.shape[1] else outputs.features
        return replace(outputs, logits=stored.logits, features=features)

    def after_step(self, step: int) -> None:
        """A frozen teacher does not change."""
