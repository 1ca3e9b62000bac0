"""Evaluated: what `lab.evaluate` read and computed, handed back together."""

from collections.abc import Mapping
from dataclasses import dataclass

from kdcore.data.pairs import PairTable
from kdcore.evaluation.evaluate import Evaluation, Metric
from kdcore.predictions import Predictions
from kdcore.runs.store import Run


@dataclass(frozen=True)
class Evaluated:
    """A run on a split; teacher, rivals: their predictions on the same pairs."""

    run: Run
    split: str
    pairs: PairTable
    predictions: Predictions
    evaluation: Evaluation
    teacher: Predictions | None = None
    rivals: tuple[Predictions, ...] = ()

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics of the evaluation by their keys."""
        return self.evaluation.metrics
