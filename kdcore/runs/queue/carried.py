"""A run that a machine of a cluster carries out, while its own process here waits for the end.

Its record keeps naming the process here, the carrier (kdcore.experiments.elsewhere): that one can
be seen and killed, and its end is the end of the run's worker.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from kdcore.runs.record import Record

_carried: ContextVar[bool] = ContextVar("carried", default=False)


@contextmanager
def carried() -> Iterator[None]:
    """Inside the block, the runs that are carried out have their process elsewhere."""
    token = _carried.set(True)
    try:
        yield
    finally:
        _carried.reset(token)


def is_own(before: Record) -> bool:
    """Whether a stop may be meant for the process that begins now: it, or its carrier, is named."""
    return before.pid == os.getpid() or _is_carried(before)


def begun(before: Record) -> Record:
    """The record of a run whose work begins now in this process."""
    if not _is_carried(before):
        return before.at_work("running", os.getpid())
    now = time.time()
    began = replace(before, state="running", message="", page="", cause="", change={})
    return replace(began, started=now, ended=None, heartbeat=now)


def _is_carried(before: Record) -> bool:
    return _carried.get() and before.pid is not None
