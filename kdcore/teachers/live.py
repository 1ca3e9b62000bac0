"""A teacher that is run at every step, for what is too large to store."""

from dataclasses import dataclass

import torch

from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Encoded, Rows
from kdcore.outputs import Outputs


@dataclass(frozen=True)
class LiveTeacher:
    """A frozen model that computes its hidden states and attentions at every step.

    encoded: its own tokens of the transfer set. wants: the fields of Outputs beside the logits.
    """

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
        """A frozen teacher does not change."""
