"""A real training through the real dispatcher; the slow parts of a launch are real too."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from kdcore.runs.queue import control, queue
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import assert_same_result, created, finetuning

pytestmark = pytest.mark.slow


@pytest.fixture
def looked_after(home: Workspace) -> Iterator[Workspace]:
    """A workspace whose dispatcher is killed in the end; it has one slot."""
    yield home
    if (pid := queue.dispatcher(home)) is not None:
        os.kill(pid, signal.SIGKILL)


def ends(run: Run, home: Workspace) -> str:
    until = time.monotonic() + 180
    while run.status().state in ("queued", "running"):
        assert time.monotonic() < until
        queue.ensure_dispatcher(home)
        time.sleep(0.05)
    return run.status().state


def made_ready(home: Workspace) -> int:
    """The process that the dispatcher keeps ready, once there is one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for child in psutil.Process(queue.dispatcher(home)).children():
            with suppress(psutil.Error):
                if "ready" in child.cmdline():
                    return child.pid
        time.sleep(0.1)
    raise AssertionError("nothing was made ready")


def test_a_run_in_the_queue_comes_to_the_same_end_from_a_ready_process_or_a_fresh_one(
    looked_after: Workspace,
) -> None:
    home = looked_after
    fresh, ready, resumed = (created(finetuning(epochs=6), home) for _ in range(3))
    queue.enqueue([fresh], home)  # nothing is ready yet
    assert ends(fresh, home) == "finished"
    waiting = made_ready(home)
    queue.enqueue([ready, resumed], home)
    assert ends(ready, home) == "finished"
    assert ready.status().pid == waiting
    while not resumed.metrics():
        time.sleep(0.01)
    control.pause(resumed, home, wait=True)
    if resumed.status().state == "stopped":
        control.resume(resumed, home)
    assert ends(resumed, home) == "finished"
    assert_same_result(fresh, ready)
    assert_same_result(fresh, resumed)
