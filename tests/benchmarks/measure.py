"""Timing: contenders take turns, each in a process of its own, so that drift hits all alike.

A contender runs its real training loop and calls `pace.taken(pairs)` after each step. There it
is held until its next turn: its clock stops between turns, and nobody else runs during one.
"""

import multiprocessing
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
PATIENCE = 600.0  # seconds until a silent contender is taken for one that never reports a step
PRELOAD = (
    "torch",
    "transformers.trainer",
    "sklearn.metrics",
    "kdcore.recipes.distill",
    "kdcore.recipes.finetune",
)


def run_on_one_thread() -> None:
    """Start this program again with one thread, unless it has one: pools are sized at the start."""
    if os.environ.get(THREADS[0]) != "1":
        quiet = {"TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error"}
        os.environ |= dict.fromkeys(THREADS, "1") | quiet
        os.execv(sys.executable, [sys.executable, *sys.argv])


@dataclass(frozen=True)
class Effort:
    """How long to measure: turns of so many seconds, after so many steps of warm-up.

    clock: what seconds are. time.process_time counts those of the processor alone, which is fair
    to contenders of one thread on a machine that others use, too.
    """

    rounds: int
    turn_seconds: float
    warmup: int
    clock: Callable[[], float] = time.perf_counter


class FinishedError(Exception):
    """Raised inside a contender when no turn is left."""


class Pace:
    """A contender's side: counts its steps and waits for its turns."""

    def __init__(self, parent: Connection, effort: Effort) -> None:
        self._parent, self._cold, self._clock = parent, effort.warmup, effort.clock
        self._steps: list[tuple[int, float]] = []
        self._began = self._until = 0.0

    def taken(self, pairs: int) -> None:
        """A step over so many pairs is done; returns when the next may begin."""
        now = self._clock()
        if self._cold:
            self._cold -= 1
            if not self._cold:
                self._wait()
            return
        self._steps.append((pairs, now - self._began))
        if now >= self._until:
            self._wait()
        else:
            self._began = now

    def _wait(self) -> None:
        self._parent.send(self._steps)
        seconds = self._parent.recv()
        if seconds is None:
            raise FinishedError
        self._steps = []
        self._began = self._clock()
        self._until = self._began + seconds


Contender = Callable[[Any, Pace], None]


def race(
    contenders: Mapping[str, Contender], job: Any, effort: Effort, patience: float = PATIENCE
) -> dict[str, float]:
    """Pairs per second of each contender: the median over its steps.

    Raises RuntimeError when a contender fails, or reports no step for `patience` seconds.
    """
    started = {name: _start(_contend, run, job, effort) for name, run in contenders.items()}
    try:
        return _take_turns(started, effort, patience)
    finally:
        for process, _ in started.values():
            process.kill()


def _take_turns(
    started: Mapping[str, tuple[Any, Connection]], effort: Effort, patience: float
) -> dict[str, float]:
    for name, (process, pipe) in started.items():
        _answer(process, pipe, name, patience)
    steps: dict[str, list[tuple[int, float]]] = {name: [] for name in started}
    for _ in range(effort.rounds):
        for name, (process, pipe) in started.items():
            pipe.send(effort.turn_seconds)
            steps[name] += _answer(process, pipe, name, patience)
    for process, pipe in started.values():
        pipe.send(None)
        process.join()
    return {
        name: statistics.median(pairs / seconds for pairs, seconds in taken)
        for name, taken in steps.items()
    }


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns in a fresh process, where its memory and threads are its own."""
    process, pipe = _start(_call, function, *arguments)
    answer = _answer(process, pipe, function.__name__)
    process.join()
    return answer


def medians(functions: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of each function in this process: medians of rounds that call each once."""
    for function in functions.values():
        function()
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def _start(body: Callable[..., None], *arguments: Any) -> tuple[Any, Connection]:
    # a fork server has imported torch once, and no thread of it was ever started
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    here, there = context.Pipe()
    process = context.Process(target=_guarded, args=(there, body, *arguments), daemon=True)
    process.start()
    there.close()
    return process, here


def _answer(process: Any, pipe: Connection, name: str, patience: float | None = None) -> Any:
    """What the other process sends next; patience: seconds to wait for it, None waits for ever."""
    if not pipe.poll(patience):
        raise RuntimeError(
            f"{name!r} reported no step in {patience:g} seconds: it must call pace.taken(pairs) "
            "after each step, or it is never stopped"
        )
    try:
        answer = pipe.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"{name!r} died with exit code {process.exitcode}") from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _guarded(parent: Connection, body: Callable[..., None], *arguments: Any) -> None:
    try:
        body(parent, *arguments)
    except Exception:
        parent.send(RuntimeError(traceback.format_exc()))


def _contend(parent: Connection, contender: Contender, job: Any, effort: Effort) -> None:
    import torch

    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    try:
        contender(job, Pace(parent, effort))
    except FinishedError:
        return


def _call(parent: Connection, function: Callable[..., Any], *arguments: Any) -> None:
    parent.send(function(*arguments))
