"""Stop in the middle of long work, such as training a tokenizer.

A run installs a check with `heeded(check)`; long work inside it calls `heed()` about every second.
`check` raises when the run was told to stop. Without a run, `heed()` does nothing.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Result = TypeVar("Result")
CHECK_EVERY = 0.2  # seconds
_check: ContextVar[Callable[[], None] | None] = ContextVar("check", default=None)


@contextmanager
def heeded(check: Callable[[], None]) -> Iterator[None]:
    """Make `heed()` call `check` inside the block; `check` raises when the work should end."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def heed() -> None:
    """Raise what the installed check raises, if the work should end."""
    check = _check.get()
    if check is not None:
        check()


def run_in_thread(work: Callable[[], Result]) -> Result:
    """Do work that never returns to Python, such as a native call, in a thread; return its result.

    The calling thread waits and heeds stops and Ctrl-C. When one comes, it abandons the work: a
    daemon thread ends with its process at the latest.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again below, in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(CHECK_EVERY)
        heed()
    if errors:
        raise errors[0]
    return results[0]
