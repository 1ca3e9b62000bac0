"""Stopping in the middle of long work, such as training a tokenizer.

A run sets what looks for a stop with `heeded(look)`; long work below it calls `heed()` every
second or so. `look` raises when the run was asked to stop. Without a run, `heed()` does nothing.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Result = TypeVar("Result")
LOOK_EVERY = 0.2  # seconds
_look: ContextVar[Callable[[], None] | None] = ContextVar("look", default=None)


@contextmanager
def heeded(look: Callable[[], None]) -> Iterator[None]:
    """Inside the block, `heed()` calls `look`, which raises when the work should end."""
    token = _look.set(look)
    try:
        yield
    finally:
        _look.reset(token)


def heed() -> None:
    """Raise what `look` raises when a stop was asked for."""
    look = _look.get()
    if look is not None:
        look()


def done_beside(work: Callable[[], Result]) -> Result:
    """The result of work that gives Python no chance to look at signals, done in a thread.

    This thread waits for it, heeds stops and Ctrl-C meanwhile, and leaves the work behind when
    one comes: such a thread ends with its process at the latest.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def carry_out() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again below, in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=carry_out, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(LOOK_EVERY)
        heed()
    if errors:
        raise errors[0]
    return results[0]
