"""The result of training a teacher and a student of masked words."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MaskedReport:
    """Both models compared on sentences that neither has seen.

    loss: mean cross-entropy of a hidden word in nats; same: how often both models' first word
    is the same; seconds: of training.
    """

    folder: Path
    teacher_loss: float
    student_loss: float
    same: float
    teacher_weights: int
    student_weights: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"teacher {self.teacher_loss:.3f} nats ({self.teacher_weights:,} weights), "
            f"student {self.student_loss:.3f} nats ({self.student_weights:,} weights), "
            f"same first word {self.same:.0%}, {self.seconds:.0f} s"
        )
