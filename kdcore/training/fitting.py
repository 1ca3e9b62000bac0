"""After a full memory: the largest batch that does fit, found by really doing a step with it."""

import gc
from collections.abc import Callable, Iterator
from typing import Self

import numpy as np
import torch

from kdcore.models.batches import Batch, Rows
from kdcore.models.predict import score, score_size
from kdcore.training.memory import is_full_memory
from kdcore.training.session import Session


class Trial(Session):
    """A session of one step on the longest pairs and one scoring; it writes nothing.

    No batch of any epoch is longer than those, so what carries this out carries the run.
    """

    def __enter__(self) -> Self:
        for module in self.modules.values():
            module.train()
        return self

    def batches(self) -> Iterator[tuple[Rows, Batch]]:
        """The longest pairs, once; then as many are scored as a validation scores at once."""
        size = self.knobs.batch_size
        rows = self._own(_longest(self.encoded.lengths, size))
        yield rows, self.model.batch(self.encoded, rows).to(self.device)
        with self.measuring():
            score(self.model, self.encoded_validation, self.device, score_size(size))

    def __exit__(self, *error: object) -> None:
        """Nothing was begun."""


def largest_fitting(
    attempt: Callable[[int], object], size: int, tell: Callable[[int], bool]
) -> int | None:
    """The largest of size/2, size/4, ... that `attempt` carries out; 0 when not even 1 does.

    None when it could not be found out: `tell`, told each size, said False, or another error came.
    """
    while size > 1:
        size //= 2
        free_memory()
        if not tell(size):
            return None
        fits = _fits(attempt, size)
        if fits is None or fits:
            return size if fits else None
    return 0


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _fits(attempt: Callable[[int], object], size: int) -> bool | None:
    try:
        attempt(size)
    except Exception as error:
        return False if is_full_memory(error) else None
    return True


def _longest(lengths: Rows, size: int) -> Rows:
    return np.sort(np.argsort(-lengths, kind="stable")[:size])
