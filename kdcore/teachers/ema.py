"""A teacher that is a moving average of the student's own weights."""

from copy import deepcopy

import torch

from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Rows
from kdcore.outputs import Outputs


class EmaTeacher:
    """Answers by the average of the weights that the student has had so far, without dropout.

    In the spirit of mean teacher (Tarvainen & Valpola 2017, arXiv:1703.01780), without its noise
    on the inputs and its ramp of the weight: a schedule of the soft weight can do the latter.

    decay: share of the average that a step keeps; step n keeps at most n / (n + 1), so that the
    average is at first the plain mean. wants: the fields of Outputs beside the logits.
    """

    def __init__(self, student: PairModel, decay: float, wants: frozenset[str]) -> None:
        self.student, self.decay, self.wants = student, decay, wants
        self.average = deepcopy(student).requires_grad_(False)

    def __call__(self, rows: Rows, batch: Batch) -> Outputs:
        """Run the average on what the student reads."""
        with torch.no_grad():
            outputs: Outputs = self.average.eval()(batch, self.wants)
        return outputs

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Move the average towards the student; steps count from 1."""
        share = 1 - min(self.decay, step / (step + 1))
        weights = zip(self.average.parameters(), self.student.parameters(), strict=True)
        for average, own in weights:
            average.lerp_(own, share)
