"""Exported: what an export wrote, and how near its answers came to those of the run's model."""

from dataclasses import dataclass
from pathlib import Path

from kdcore.export.check import TOLERANCE
from kdcore.export.formats import FOLDER
from kdcore.export.price import Price
from kdcore.report.words import at_most

_COARSE = ", because they were computed in bf16; train it again with precision fp32 to be closer"


@dataclass(frozen=True)
class Exported:
    """An exported student, checked.

    layout: "transformers" (AutoModelForSequenceClassification loads it), "script" (student.py
    does), or the format that a foreign library loads. difference: the largest one of a logit (of a
    number of a unit vector where `cosine_difference`, the largest one of a cosine, is known) to
    the run's own model on `pairs` pairs, computed in a process that cannot import the lab; None
    where the library that should read it is not installed. reader: that library and its version.
    kept_difference: the largest one to the answers that the run kept, from which its metrics come.
    onnx: its ONNX files; onnx_problem: why it has none. notes: what else must be known. price: loss
    and gain of a smaller form.
    """

    run: str
    folder: Path
    files: tuple[str, ...]
    layout: str
    pairs: int
    difference: float | None
    kept_difference: float | None = None
    onnx: tuple[str, ...] = ()
    onnx_difference: float | None = None
    onnx_problem: str = ""
    form: str = FOLDER
    reader: str = ""
    cosine_difference: float | None = None
    unchecked: str = ""
    notes: tuple[str, ...] = ()
    price: Price | None = None

    @property
    def sentence(self) -> str:
        """What was checked and how near it came, or that nothing was; then the notes."""
        sentences = [self.unchecked or self._agreement(), self._kept(), self._onnx()]
        price = self.price.sentence if self.price else ""
        return " ".join(filter(None, (*sentences, self.onnx_problem, *self.notes, price)))

    def _agreement(self) -> str:
        """The largest differences in a process of its own."""
        if self.difference is None:
            return ""
        reader = f" by {self.reader}" if self.reader else ""
        most = f"by more than {at_most(self.difference)}"
        apart = f"no logit differs {most}"
        if self.cosine_difference is not None:
            cosine = f"no cosine by more than {at_most(self.cosine_difference)}"
            apart = f"no number of a vector differs {most}, {cosine}"
        return f"Checked on {self.pairs} pairs{reader} where the lab cannot be imported: {apart}."

    def _kept(self) -> str:
        if self.kept_difference is None:
            return ""
        coarse = _COARSE if self.kept_difference > TOLERANCE else ""
        most = f"by more than {at_most(self.kept_difference)}{coarse}"
        return (
            f"From the predictions saved by the run, on which its metrics are based, none {most}."
        )

    def _onnx(self) -> str:
        if self.onnx_difference is None:
            return ""
        return f"ONNX: none by more than {at_most(self.onnx_difference)}."
