import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kdcore.runs.machine import DeviceState
from kdcore.runs.queue import dispatch, processes, queue
from kdcore.runs.queue.dispatch import Dispatcher
from kdcore.runs.queue.entries import RUNNING, read_entries
from kdcore.runs.record import Record, process_start
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace
from tests.runs.conftest import child_command, wait_until

OBEDIENT = """
w.log(1, loss=1)
while not w.stop_requested:
    time.sleep(0.01)
w.finish('finished', 'by request')
"""
READY = """
import json, sys
from pathlib import Path
from kdcore.runs.store import Run
line = sys.stdin.readline()
if line:
    with Run.load(Path(json.loads(line)["folder"])).write() as w:
        w.log(1, loss=1)
"""
SERVE = """
import sys
from pathlib import Path
from kdcore.runs.queue.dispatch import Dispatcher
from kdcore.workspace import Workspace
from tests.runs.conftest import child_command
from tests.runs.queue.test_dispatch import OBEDIENT, READY
ready = [sys.executable, "-c", READY] if "ready" in sys.argv else []
command = lambda run: child_command(run, OBEDIENT)
home, idle = Workspace(Path(sys.argv[1])), float(sys.argv[2])
Dispatcher(home, command=command, ready=ready, idle=idle).serve()
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace on a machine with one slot; whatever works there is killed in the end."""
    monkeypatch.setattr(queue, "ensure_dispatcher", lambda workspace: None)
    monkeypatch.setattr(dispatch, "machine_devices", lambda: [DeviceState("cpu", "CPU", 1)])
    monkeypatch.setenv("KDLAB_CPU_SLOTS", "1")
    yield Workspace(tmp_path)
    for run in RunStore(tmp_path / "runs").list():
        if not run.problem:
            processes.stop(run, grace=0.1)


@pytest.fixture
def served(home: Workspace) -> Iterator["Served"]:
    yield (real := Served(home))
    real.kill()


class Served:
    """A real dispatcher of the workspace in a process of its own."""

    def __init__(self, home: Workspace) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *how: str, idle: float = 0.5) -> "subprocess.Popen[bytes]":
        root = Path(__file__).parents[3]
        command = [sys.executable, "-c", SERVE, str(self.home.root), str(idle), *how]
        self.process = subprocess.Popen(command, cwd=root)
        return self.process

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def waiting_runs(store: RunStore, home: Workspace, count: int) -> list[Run]:
    runs = [store.create({"stage": "distill", "device": "cpu"}) for _ in range(count)]
    queue.enqueue(runs, home)
    return runs


def states(runs: list[Run]) -> list[str]:
    return [run.status().state for run in runs]


def test_as_many_runs_work_as_there_are_slots_and_the_next_begins_when_one_ends(
    home: Workspace, store: RunStore
) -> None:
    first, second = waiting_runs(store, home, 2)
    looks = Dispatcher(home, command=lambda run: child_command(run, OBEDIENT))
    looks.look()
    assert states([first, second]) == ["running", "queued"]
    wait_until(lambda: first.status().step == 1, "the first line")
    looks.look()
    assert states([first, second]) == ["running", "queued"]
    processes.stop(first)
    wait_until(lambda: looks.look() or second.status().state == "running", "the second's start")
    assert queue.waiting(home) == []


def test_runs_survive_a_killed_dispatcher_and_the_next_one_starts_none_twice(
    home: Workspace, store: RunStore, served: Served
) -> None:
    first, second = waiting_runs(store, home, 2)
    served.start()
    wait_until(lambda: first.status().step == 1, "the first run's line")
    served.kill()
    pid = first.status().pid
    assert states([first, second]) == ["running", "queued"]
    served.start()
    wait_until(lambda: queue.dispatcher(home) is not None, "the new dispatcher")
    first.request_stop()
    wait_until(lambda: second.status().step == 1, "the second run's line")
    assert first.status().state == "finished"
    assert first.status().pid == pid
    assert len(first.metrics()) == 1


def test_of_two_dispatchers_one_leaves(home: Workspace, served: Served) -> None:
    home.queue.mkdir()
    one = dispatch.FileLock(home.queue / ".dispatcher")
    with one:
        assert served.start().wait(30) == 0


def test_a_dispatcher_without_work_ends_and_says_so(home: Workspace, served: Served) -> None:
    assert served.start().wait(30) == 0
    assert queue.dispatcher(home) is None
    assert not (home.queue / "dispatcher.json").exists()


def test_a_run_whose_process_dies_at_once_is_tried_again_then_failed_and_the_next_begins(
    home: Workspace, store: RunStore
) -> None:
    dead, alive = waiting_runs(store, home, 2)
    tried: list[str] = []

    def command(run: Run) -> list[str]:
        tried.append(run.id)
        said = "import no_such_module_here"
        return [sys.executable, "-c", said] if run == dead else child_command(run, OBEDIENT)

    looks = Dispatcher(home, command=command)
    wait_until(lambda: looks.look() or alive.status().state == "running", "the next run's start")
    assert tried == [dead.id, dead.id, alive.id]
    status = dead.status()
    assert (status.state, "run.log" in status.message) == ("failed", True)
    assert "no_such_module_here" in dead.log_path.read_text()


def test_a_run_that_cannot_be_started_fails_with_the_reason(
    home: Workspace, store: RunStore
) -> None:
    (run,) = waiting_runs(store, home, 1)
    looks = Dispatcher(home, command=lambda run: ["/no/such/python"])
    wait_until(lambda: looks.look() or run.status().state == "failed", "the failure")
    assert "/no/such/python" in run.status().message
    assert read_entries(home.queue) == []


def test_a_run_stopped_while_it_starts_is_not_started_again(
    home: Workspace, store: RunStore
) -> None:
    (run,) = waiting_runs(store, home, 1)
    started: list[str] = []

    def command(run: Run) -> list[str]:
        started.append(run.id)
        return [sys.executable, "-c", "import time; time.sleep(60)"]

    looks = Dispatcher(home, command=command)
    looks.look()
    run.request_stop()
    pid = Record.read(run.folder).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: process_start(pid) is None, "its death")
    looks.look()  # before the one who stopped it could write that down
    assert processes.stop(run).state == "lost"
    looks.look()
    assert started == [run.id]


def test_the_queue_holds_a_run_that_is_about_to_begin(
    home: Workspace, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = waiting_runs(store, home, 1)
    assert queue.holds(run, home)
    assert not queue.holds(store.create({"stage": "distill"}), home)
    looks = Dispatcher(home)
    monkeypatch.setattr(looks, "_start", lambda entry, given: None)  # no process says a word yet
    looks.look()
    assert queue.position(run, home) is None
    assert run.status().pid is None
    assert queue.holds(run, home)


def test_a_dispatcher_killed_between_ticket_and_start_loses_no_run(
    home: Workspace, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = waiting_runs(store, home, 1)
    dying = Dispatcher(home, command=lambda run: child_command(run, OBEDIENT))
    monkeypatch.setattr(dying, "_start", lambda entry, given: None)
    dying.look()
    assert len(read_entries(home.queue / RUNNING)) == 1
    looks = Dispatcher(home, command=lambda run: child_command(run, OBEDIENT))
    wait_until(lambda: looks.look() or run.status().step == 1, "the start")


def test_a_process_that_is_ready_becomes_the_run_and_outlives_the_dispatcher(
    home: Workspace, store: RunStore
) -> None:
    looks = Dispatcher(home, ready=[sys.executable, "-c", READY])
    looks.look()
    ready = looks._ready
    assert ready is not None
    (run,) = waiting_runs(store, home, 1)
    looks.look()
    assert Record.read(run.folder).pid == ready.pid
    wait_until(lambda: run.status().state == "finished", "the end")
    assert os.getsid(0) != ready.pid


def test_a_process_that_is_ready_leaves_when_its_dispatcher_is_killed(
    home: Workspace, served: Served
) -> None:
    children = psutil.Process(served.start("ready", idle=60).pid).children
    wait_until(lambda: children() != [], "a ready process")
    (ready,) = children()
    served.kill()
    wait_until(lambda: process_start(ready.pid) is None, "its leave")


def test_a_process_made_ready_before_the_code_changed_is_not_given_a_run(
    home: Workspace, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Dispatcher(
        home,
        command=lambda run: child_command(run, OBEDIENT),
        ready=[sys.executable, "-c", READY],
    )
    looks.look()
    ready = looks._ready
    assert ready is not None
    monkeypatch.setattr(dispatch, "code_stamp", lambda: 1.0)
    (run,) = waiting_runs(store, home, 1)
    looks.look()
    assert Record.read(run.folder).pid != ready.pid
    wait_until(lambda: ready.poll() is not None, "its leave")


def test_a_run_whose_ready_process_died_is_started_afresh(home: Workspace, store: RunStore) -> None:
    ready = [sys.executable, "-c", "import sys; sys.stdin.close(); import time; time.sleep(0.2)"]
    looks = Dispatcher(home, command=lambda run: child_command(run, OBEDIENT), ready=ready)
    looks.look()
    (run,) = waiting_runs(store, home, 1)
    wait_until(lambda: looks.look() or run.status().step == 1, "the start")


def test_a_full_disk_makes_the_queue_wait_and_not_die(
    home: Workspace, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = waiting_runs(store, home, 1)
    looks = Dispatcher(home, command=lambda run: child_command(run, OBEDIENT))

    def full(*entry: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(dispatch, "write", full)
        assert looks._look_safely() is False
    assert json.loads((run.folder / "status.json").read_text())["state"] == "queued"
    looks.look()
    assert run.status().state == "running"


def test_a_run_that_came_past_the_queue_holds_its_device_until_it_ends(
    home: Workspace, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trained in a terminal, or a scoring of the app: the device is taken all the same."""
    monkeypatch.setattr(queue, "machine_devices", lambda: [DeviceState("cpu", "CPU", 1)])
    scoring = store.create({"stage": "infer", "device": "auto"})
    processes.start(scoring, child_command(scoring, OBEDIENT))
    wait_until(lambda: scoring.status().step == 1, "the first line")
    (run,) = waiting_runs(store, home, 1)
    looks = Dispatcher(home, command=lambda run: child_command(run, OBEDIENT))
    looks.look()
    assert [device.running for device in queue.devices(home)] == [(scoring.id,)]
    assert [entry.run_id for entry in queue.waiting(home)] == [run.id]
    processes.stop(scoring, grace=0.1)
    looks.look()
    assert queue.waiting(home) == []
    assert [device.running for device in queue.devices(home)] == [(run.id,)]
