"""The metric lines of a training: its losses, its validations, its teacher's quality.

A line holds step, time, memory_mb and the numbers that are due: mean losses, a validation, or (at
step 0, before the student has learned anything) how well its teacher does on the validation pairs.
"""

import time

import numpy as np
import torch
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable
from kdcore.metrics.classification import nll, roc_auc
from kdcore.scores import log_odds
from kdcore.training.devices import memory_mb
from kdcore.training.session import Session


def quality(logits: NDArray[np.float32], pairs: PairTable) -> dict[str, float]:
    """Negative log likelihood and ROC-AUC of labelled pairs, under their names in metric lines."""
    order = roc_auc(pairs.relevant, log_odds(logits, pairs.scheme))
    return {"nll": float(np.mean(nll(pairs.grades, logits))), "roc_auc": order}


class MetricLog:
    """Writes the metric lines of a session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        # lines of later steps than the checkpoint's will be written again; before the first step
        # no line stands at all, not even one of step 0
        session.writer.truncate_after(session.progress.step or -1)
        self.restart_clock()

    def restart_clock(self) -> None:
        """Count the throughput from here: what was done just now was no training."""
        self._clock = time.monotonic(), self.session.progress.step

    def line(self, **values: float) -> None:
        """Write a line of this step, with the memory in use."""
        session = self.session
        session.writer.log(session.progress.step, **values, memory_mb=memory_mb(session.device))

    def losses(self) -> None:
        """Write the mean losses since the last line; RunError when one is not a number."""
        session, step = self.session, self.session.progress.step
        if not session.pending:
            return
        columns = {n: torch.stack([p[n] for p in session.pending]) for n in session.pending[0]}
        wrong = (~columns["loss"].isfinite()).nonzero()
        if len(wrong):  # a step's loss was computed before its weights moved
            first = step - len(session.pending) + 1 + int(wrong[0])
            raise session.not_a_number(first, moved=first > 1)
        means = {name: float(column.mean()) for name, column in columns.items()}
        since, before = self._clock
        pairs = (step - before) * session.training.batch_size
        rate = pairs / max(time.monotonic() - since, 1e-9)
        session.pending = []
        self.restart_clock()
        self.line(epoch=step / session.steps_per_epoch, pairs_per_second=rate, **means)

    def teacher(self) -> None:
        """Write how well the teacher does on the validation pairs; nothing without a teacher."""
        teacher, validation = self.session.teacher, self.session.pairs.validation
        if teacher is not None:
            values = quality(teacher.logits, validation)
            named = {f"teacher_validation_{name}": value for name, value in values.items()}
            self.line(validation_pairs=len(validation), **named)
