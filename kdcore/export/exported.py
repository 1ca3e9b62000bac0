"""Exported: what an export wrote, and how near its answers came to those of the run's model."""

from dataclasses import dataclass
from pathlib import Path

from kdcore.export.check import TOLERANCE
from kdcore.report.words import at_most

_COARSE = ", because they were computed in bf16; train it again with precision fp32 to be closer"


@dataclass(frozen=True)
class Exported:
    """An exported student, checked.

    layout: "transformers" (AutoModelForSequenceClassification loads it) or "script" (student.py
    does). difference: the largest one of a logit to the run's own model on `pairs` pairs, computed
    in a process that cannot import the lab. kept_difference: the largest one to the answers that
    the run kept, from which its metrics come. onnx: its ONNX files; onnx_problem: why it has none.
    """

    run: str
    folder: Path
    files: tuple[str, ...]
    layout: str
    pairs: int
    difference: float
    kept_difference: float | None = None
    onnx: tuple[str, ...] = ()
    onnx_difference: float | None = None
    onnx_problem: str = ""

    @property
    def sentence(self) -> str:
        """What was checked and how near it came."""
        text = (
            f"Checked on {self.pairs} pairs where the lab cannot be imported: no logit differs "
            f"by more than {at_most(self.difference)}."
        )
        if self.kept_difference is not None:
            text += (
                " From the predictions saved by the run, on which its metrics are based, none "
                f"by more than {at_most(self.kept_difference)}"
                f"{_COARSE if self.kept_difference > TOLERANCE else ''}."
            )
        if self.onnx_difference is not None:
            text += f" ONNX: none by more than {at_most(self.onnx_difference)}."
        return f"{text} {self.onnx_problem}".rstrip()
