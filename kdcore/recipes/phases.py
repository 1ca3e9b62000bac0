"""The two phases of a residual distillation: the student learns, then its assistant."""

from collections.abc import Sequence

from torch import nn

from kdcore.config import DistillConfig
from kdcore.models.base import PairModel
from kdcore.models.beside.assistant import WithAssistant
from kdcore.training.session import Session


class Phases:
    """Which part of a student with an assistant learns at a step; without one, all of it always.

    objectives: modules of the loss, such as the projection to the teacher's width, which rest with
    the student, so that the error which the assistant learns stays the same.
    """

    def __init__(
        self, config: DistillConfig, model: PairModel, objectives: Sequence[nn.Module], steps: int
    ) -> None:
        self.model = model if isinstance(model, WithAssistant) else None
        self.objectives = objectives
        share = config.residual.share if config.residual else 0.0
        self.first = steps - round(share * steps)  # the first step of the assistant, from 0

    def enter(self, step: int) -> None:
        """Let the part learn that is due at a step; the same again after a resume."""
        if self.model is None:
            return
        is_second = step >= self.first
        self.model.enter("assistant" if is_second else "student")
        for module in self.objectives:
            module.requires_grad_(not is_second)

    def end(self, session: Session) -> None:
        """Write the notes of a training that has ended; only the first process does so."""
        if session.group.leads:
            session.writer.note(self.notes(session.progress.best_step))

    def notes(self, best_step: int) -> tuple[str, ...]:
        """Say so where the saved model is older than the assistant; best_step counts from 1."""
        if self.model is None or not 0 < best_step <= self.first:
            return ()
        return (
            f"the best step on validation, {best_step}, is one before the assistant began to "
            "learn, so the saved assistant adds nothing to the student",
        )
