"""The protocol of a teacher: a recipe calls it with rows of its transfer set."""

from typing import Protocol

from kdcore.models.batches import Batch, Rows
from kdcore.outputs import Outputs


class Teacher(Protocol):
    """Gives its Outputs for rows of the transfer set; the tensors carry no gradient."""

    def __call__(self, rows: Rows, batch: Batch) -> Outputs:
        """The Outputs for these pairs; `batch` is how the student reads them."""
        ...

    def after_step(self, step: int) -> None:
        """Called after the student's step: a peer learns, a snapshot may be taken."""
        ...
