"""The soft loss where the teacher has answered only some of the pairs.

The soft loss of a batch is the mean over its answered pairs, as the hard loss is the mean over its
labelled ones; it is 0 in a batch without any. Ours, from no paper.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from kdcore.models.batches import Rows
from kdcore.objectives.base import Term, weighted_sum
from kdcore.outputs import Outputs
from kdcore.training.session import Session


class Answered:
    """Which pairs of the transfer set have soft labels: the others learn from their labels only.

    mask: (pairs,), None for all. of_lists: the names of the terms that compare the ads of a query.
    """

    def __init__(
        self, session: Session, mask: NDArray[np.bool_] | None, of_lists: Sequence[str]
    ) -> None:
        self.session, self.mask, self.of_lists = session, mask, of_lists

    def weighted_sum(
        self, terms: Sequence[Term], student: Outputs, teacher: Outputs, rows: Rows
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Add the soft terms of a batch up; also return them unweighted.

        rows: (batch,) positions in the transfer set.
        """
        scales = dict.fromkeys(self.of_lists, self._list_mean)
        if self.mask is None:
            return weighted_sum(terms, student, teacher, scales)
        places = np.flatnonzero(self.mask[rows])
        if not len(places):
            zero = student.logits.sum() * 0.0
            return zero, {term.name: zero for term in terms}
        index = self.session.tensor(places)
        scales = {term.name: self._mean for term in terms} | scales
        return weighted_sum(terms, _at(student, index), _at(teacher, index), scales)

    def _mean(self, mean: Tensor) -> Tensor:
        assert self.mask is not None
        return self.session.counted_mean(mean, self.mask)

    def _list_mean(self, mean: Tensor) -> Tensor:
        return self.session.list_mean(mean, self.mask)


def _at(outputs: Outputs, index: Tensor) -> Outputs:
    """The outputs of some pairs of the batch; what a file cannot teach is not among them."""
    queries, grades = (
        None if values is None else values[index] for values in (outputs.queries, outputs.grades)
    )
    logits, features = outputs.logits[index], outputs.features[index]
    return replace(outputs, logits=logits, features=features, queries=queries, grades=grades)
