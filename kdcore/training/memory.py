"""A full memory or disk: what to do about it, and the batch size that does fit.

The size is found by really taking a step with it, on the longest pairs. Whatever is full, the
run's last good checkpoint stays as it is.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from kdcore.errors import LabError, RunError
from kdcore.models.batches import Batch, Rows
from kdcore.models.predict import score, score_size
from kdcore.runs.record import is_full_disk, write_error
from kdcore.training.devices import is_full_memory
from kdcore.training.session import Session


@contextmanager
def explain_full(folder: Path, batch_size: int) -> Iterator[None]:
    """Around the work of a run: raise a full memory or disk as a RunError that says what to do."""
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        if is_full_memory(error):
            raise memory_error(error, batch_size) from error
        if is_full_disk(error):
            raise write_error(folder, error) from error
        raise


def memory_error(error: Exception, batch_size: int, fits: int | None = None) -> RunError:
    """What to do about a full memory.

    fits: the largest batch size that was seen to fit; 0 when none did, None when it is not known.
    """
    owner = "GPU" if isinstance(error, torch.OutOfMemoryError) or "MPS" in str(error) else "machine"
    problem = f"the {owner} ran out of memory at batch size {batch_size}"
    if batch_size == 1 or fits == 0:
        also = "" if batch_size == 1 else ", and at 1 too"
        return RunError(f"{problem}{also}; choose a smaller model", cause="memory")
    smaller = f"batch size {fits} fits" if fits else f"{batch_size // 2} needs about half"
    return RunError(
        f"{problem}; {smaller}: change it and start again",
        cause="memory",
        change={"training.batch_size": fits or batch_size // 2},
    )


def longest_batch(session: Session) -> Iterator[tuple[Rows, Batch]]:
    """Yield the longest pairs as one batch, then score as many as a validation scores at once.

    In place of `training_batches`: no batch of any epoch is longer, so if this fits, the run fits.
    Nothing is written.
    """
    for module in session.modules.values():
        module.train()
    size, pairs = session.training.batch_size, session.pairs
    longest = np.argsort(-pairs.encoded.lengths, kind="stable")[:size]
    yield session.share(np.sort(longest))
    with session.scoring_precision():
        if session.task is None:
            score(session.model, pairs.encoded_validation, session.device, score_size(size))
        else:
            session.task.measure(session, score_size(size))


def largest_fitting(
    attempt: Callable[[int], object], size: int, announce: Callable[[int], bool]
) -> int | None:
    """The largest of size/2, size/4, ... at which `attempt` succeeds; 0 when not even 1 does.

    None when it is not known: `announce`, called with each size, returned False, or the attempt
    failed for another reason than a full memory.
    """
    while size > 1:
        size //= 2
        gc.collect()  # gives back the memory of the attempt before
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if not announce(size):
            return None
        try:
            attempt(size)
        except Exception as error:
            if not is_full_memory(error):
                return None
        else:
            return size
    return 0
