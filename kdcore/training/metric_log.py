"""What can be seen of a training from outside while it goes on: its metric lines, its validations.

Losses stay on the device until a line is due, so that looking on costs nearly nothing. A line
holds step, time, memory_mb and what is told: the losses, a validation, or (at step 0, before the
student has learned anything) how well its teacher does on the validation pairs.
"""

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdcore.data.pairs import PairTable
from kdcore.errors import RunError
from kdcore.metrics.classification import nll, roc_auc
from kdcore.predictions import Predictions
from kdcore.runs.writer import RunWriter
from kdcore.scores import log_odds
from kdcore.training.checkpoint import Parts
from kdcore.training.devices import memory_mb


def evenly(points: int, steps: int) -> frozenset[int]:
    """So many steps spread evenly over 1..steps, the last among them; fewer where they meet."""
    return frozenset(-(-steps * k // points) for k in range(1, points + 1))


def quality(logits: NDArray[np.float32], pairs: PairTable) -> dict[str, float]:
    """Negative log likelihood and ROC-AUC of labelled pairs, by the names that lines give them."""
    order = roc_auc(pairs.relevant, log_odds(logits, pairs.scheme))
    return {"nll": float(np.mean(nll(pairs.grades, logits))), "roc_auc": order}


class Meter:
    """The metric lines of one training."""

    def __init__(
        self,
        writer: RunWriter,
        device: torch.device,
        batch_size: int,
        steps_an_epoch: int,
        not_a_number: Callable[[int], RunError],
    ) -> None:
        self.writer, self.device, self.not_a_number = writer, device, not_a_number
        self.batch_size, self.steps_an_epoch = batch_size, steps_an_epoch
        self.pending: Parts = []  # the losses of each step that no line holds yet
        self._clock = time.monotonic(), 0

    def begin(self, step: int, pending: Parts) -> None:
        """From a checkpoint's step on; the lines of later steps will be written again.

        Before the first step no line stands at all, not even one of step 0.
        """
        self.pending = pending
        self.writer.truncate_after(step or -1)
        self.restart(step)

    def restart(self, step: int) -> None:
        """The throughput counts from here: what was just done was no training."""
        self._clock = time.monotonic(), step

    def add(self, parts: Mapping[str, Tensor]) -> None:
        """The losses of a step."""
        self.pending.append({name: part.detach() for name, part in parts.items()})

    def line(self, step: int, **values: float) -> None:
        """A metric line, with the memory in use."""
        self.writer.log(step, **values, memory_mb=memory_mb(self.device))

    def losses(self, step: int) -> None:
        """A line with the mean losses since the last one; RunError when one is not a number."""
        if not self.pending:
            return
        columns = {n: torch.stack([p[n] for p in self.pending]) for n in self.pending[0]}
        wrong = (~columns["loss"].isfinite()).nonzero()
        if len(wrong):
            raise self.not_a_number(step - len(self.pending) + 1 + int(wrong[0]))
        means = {name: float(column.mean()) for name, column in columns.items()}
        since, before = self._clock
        rate = (step - before) * self.batch_size / max(time.monotonic() - since, 1e-9)
        self.pending = []
        self.restart(step)
        self.line(step, epoch=step / self.steps_an_epoch, pairs_per_second=rate, **means)

    def teacher(self, answers: Predictions | None, validation: PairTable) -> None:
        """A line of step 0: how well the teacher does on the validation pairs."""
        if answers is not None:
            found = quality(answers.logits, validation)
            told = {f"teacher_validation_{name}": x for name, x in found.items()}
            self.line(0, validation_pairs=len(validation), **told)
