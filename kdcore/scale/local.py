"""Do tasks in this process, or in several processes of this machine."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any

from kdcore.errors import RunError
from kdcore.stops import CHECK_EVERY, heed

Task = dict[str, Any]  # plain values; `do` says what is done, see kdcore.scale.tasks
AHEAD = 3  # tasks per worker that are submitted before the first has ended


@dataclass(frozen=True)
class Outcome:
    """A task that has ended, by its number in the list; error: why it failed, "" if it did not."""

    number: int
    error: str = ""


def in_process(tasks: Sequence[Task]) -> Iterator[Outcome]:
    """Do one task after another, here."""
    from kdcore.scale.tasks import attempt

    for number, task in enumerate(tasks):
        heed()
        yield Outcome(number, attempt(task))


def in_processes(tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Do the tasks in child processes; each takes the next task when it is ready.

    A child ends when its input is closed, so none outlives this process. RunError when one dies;
    its finished tasks stay.
    """
    waiting: Queue[tuple[int, Task]] = Queue()
    for numbered in enumerate(tasks):
        waiting.put(numbered)
    done: Queue[Outcome | RunError] = Queue()
    command = [sys.executable, "-m", "kdcore", "work"]
    children = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C is for this process, which ends them
        )
        for _ in range(min(workers, len(tasks)))
    ]
    threads = [
        threading.Thread(target=_feed, args=(child, waiting, done), daemon=True)
        for child in children
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in tasks:
            outcome = _next(done)
            if isinstance(outcome, RunError):
                raise outcome
            yield outcome
    finally:
        for child, thread in zip(children, threads, strict=True):
            child.kill()  # an unfinished shard has no file name yet
            child.wait()
            thread.join()
            for pipe in filter(None, (child.stdin, child.stdout)):
                with suppress(OSError):  # closing sends what the child never read
                    pipe.close()


def _next(done: "Queue[Outcome | RunError]") -> Outcome | RunError:
    while True:
        heed()
        with suppress(Empty):
            return done.get(timeout=CHECK_EVERY)


def _feed(
    child: "subprocess.Popen[str]",
    waiting: "Queue[tuple[int, Task]]",
    done: "Queue[Outcome | RunError]",
) -> None:
    """Send a child its tasks, one line each, and read one line back for each."""
    assert child.stdin is not None
    assert child.stdout is not None
    while True:
        try:
            number, task = waiting.get_nowait()
        except Empty:
            return
        try:
            child.stdin.write(json.dumps(task) + "\n")
            child.stdin.flush()
            answer = json.loads(child.stdout.readline())
        except (OSError, ValueError):
            code = child.wait()
            done.put(RunError(f"a worker process ended with code {code}; start again to go on"))
            return
        done.put(Outcome(number, answer["error"]))
