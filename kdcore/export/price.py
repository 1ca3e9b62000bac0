"""Price: what a smaller form of a model loses in quality and gains in time and size, measured."""

from dataclasses import dataclass
from math import isfinite

from kdcore.evaluation.texts import number, signed


@dataclass(frozen=True)
class Loss:
    """ROC-AUC of the smaller form and of the run's model on the same test pairs.

    low, high: the paired 95 % interval of the difference, by bootstrap over queries.
    """

    pairs: int
    roc_auc: float
    of_run: float
    low: float
    high: float
    verdict: str

    @property
    def sentence(self) -> str:
        """Both values, their difference with its interval, and the verdict."""
        delta = self.roc_auc - self.of_run
        return (
            f"ROC-AUC {number(self.roc_auc)} against {number(self.of_run)} of the run, "
            f"{signed(delta, 4)} [{signed(self.low, 4)}, {signed(self.high, 4)}] on "
            f"{self.pairs:,} test pairs, {self.verdict}"
        )


@dataclass(frozen=True)
class Price:
    """A smaller form beside the full one: loss (None where it cannot be measured), time, size.

    milliseconds: the median for one pair on one thread, timed in turns on `timed` pairs; `of_full`
    and `megabytes_of_full` are those of the full form, which `full` names.
    """

    name: str
    full: str
    loss: Loss | None
    milliseconds: float
    of_full: float
    timed: int
    megabytes: float
    megabytes_of_full: float

    @property
    def sentence(self) -> str:
        """Loss, gain in time, size; that a loss is not known, and that there is no gain."""
        lost = "its loss is not measured: the labelled test pairs of the run are missing"
        return (
            f"{self.name}: {self.loss.sentence if self.loss else lost}. One pair takes "
            f"{self.milliseconds:.3g} ms instead of {self.of_full:.3g} ms of {self.full} "
            f"({self._gain()}; median of {self.timed} pairs in turns, one thread, from token ids "
            f"to the score), {self.megabytes:.1f} MB instead of {self.megabytes_of_full:.1f} MB."
        )

    def _gain(self) -> str:
        """How many times as fast it is, or that it is slower."""
        ratio = self.of_full / self.milliseconds if self.milliseconds else float("nan")
        if not isfinite(ratio):
            return "not measured"
        return f"{ratio:.2g} times as fast" if ratio >= 1 else f"{1 / ratio:.2g} times as slow"
