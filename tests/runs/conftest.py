"""A store in a temporary folder, and children that do what a test's few lines say."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.context import SpawnContext
from pathlib import Path

import psutil
import pytest

from kdcore.runs.record import Record, process_start
from kdcore.runs.store import Run, RunStore

PATIENCE = 20.0  # seconds; only a broken test waits this long


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def run(store: RunStore) -> Run:
    return store.create({"stage": "distill", "seed": 1}, title="a small one")


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> SpawnContext:
    """Starts new processes, even where a page's test has left its script as the main module."""
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    return get_context("spawn")


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Return when something is true; fail when it never becomes so."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, f"never happened: {what}"
        time.sleep(0.01)


def child_command(run: Run, lines: str) -> list[str]:
    """A program that opens the run's writer as `w` and does these lines in it."""
    program = (
        "import sys, time, os\nfrom pathlib import Path\nfrom kdcore.runs.store import Run\n"
        "run = Run.load(Path(sys.argv[1]))\nwith run.write() as w:\n"
    )
    body = "".join(f"    {line}\n" for line in lines.strip().splitlines())
    return [sys.executable, "-c", program + body, str(run.folder)]


@pytest.fixture
def no_child_is_left(run: Run) -> Iterator[None]:
    """Kill what still works on the run when the test ends."""
    yield
    if run.folder.exists():
        record = Record.read(run.folder)
        if record.pid and record.pid != os.getpid() and process_start(record.pid):
            psutil.Process(record.pid).kill()


@pytest.fixture
def child(run: Run) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start a real child that writes the run; it is killed when the test ends."""
    started: list[subprocess.Popen[bytes]] = []

    def start(lines: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(child_command(run, lines), stderr=subprocess.DEVNULL)
        started.append(process)
        wait_until(lambda: run.status().step > 0, "the child's first line")
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
