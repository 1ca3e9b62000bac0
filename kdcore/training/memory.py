"""A full memory or disk, said in plain words; the run's last good checkpoint stays as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from kdcore.errors import LabError, RunError
from kdcore.runs.record import is_full_disk, write_problem

# the words of torch's own allocators: CPU on Linux, CPU on Windows, and MPS
_ALLOCATORS = ("can't allocate memory", "not enough memory", "out of memory")


@contextmanager
def in_plain_words(folder: Path, batch_size: int) -> Iterator[None]:
    """Around the work of a run: what a person can mend becomes a RunError that says how."""
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        if is_full_memory(error):
            raise RunError(memory_problem(error, batch_size)) from error
        if is_full_disk(error):
            raise RunError(write_problem(folder, error)) from error
        raise


def not_a_number(
    step: int, total: int, rate: float, *, moved: bool = True, checkpoint: bool = True
) -> RunError:
    """What ends a training whose loss or weights are no numbers any more.

    moved: whether a weight had been changed before; if not, no learning rate can be the cause.
    checkpoint: whether there is one to go back to.
    """
    kept = (
        "The last good checkpoint is saved"
        if checkpoint
        else "There is no checkpoint yet, so nothing is saved"
    )
    if not moved:
        return RunError(
            f"the loss is not a number at step {step} of {total}, before any weight was changed, "
            "so the learning rate is not the cause: the initial weights or the teacher's "
            f"predictions are too large or not numbers; choose other initial weights. {kept}"
        )
    return RunError(
        f"the training became not-a-number at step {step} of {total} (learning "
        f"rate {rate:g}); try {rate / 10:g}. {kept}"
    )


def is_full_memory(error: Exception) -> bool:
    """Whether an error says that the memory of a GPU or of the machine is full."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _ALLOCATORS)


def memory_problem(error: Exception, batch_size: int, fits: int | None = None) -> str:
    """What to do about a full memory; fits: the batch size that was seen to fit, 0 if none did."""
    what = "GPU" if isinstance(error, torch.OutOfMemoryError) or "MPS" in str(error) else "machine"
    said = f"the {what} ran out of memory at batch size {batch_size}"
    if batch_size == 1 or fits == 0:
        return f"{said}{'' if batch_size == 1 else ', and at 1 too'}; choose a smaller model"
    if fits:
        return f"{said}; batch size {fits} fits: change it and start again"
    return f"{said}; {batch_size // 2} needs about half: change it and start again"
