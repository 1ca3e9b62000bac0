import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from kdcore.errors import RunError
from kdcore.runs.queue import processes, queue
from kdcore.runs.record import Record
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace
from tests.runs.conftest import wait_until

DEAF = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks after the queue."""
    monkeypatch.setattr(queue, "ensure_dispatcher", lambda workspace: None)


def several(store: RunStore, count: int = 3, **config: object) -> list[Run]:
    return [store.create({"stage": "distill", **config}) for _ in range(count)]


def ids(home: Workspace) -> list[str]:
    return [entry.run_id for entry in queue.waiting(home)]


@pytest.mark.usefixtures("alone")
def test_runs_wait_in_the_order_in_which_they_came(home: Workspace, store: RunStore) -> None:
    first, second, third = several(store)
    queue.enqueue([second, first], home)
    queue.enqueue([third], home)
    assert ids(home) == [second.id, first.id, third.id]
    assert [queue.position(run, home) for run in (second, first, third)] == [1, 2, 3]


@pytest.mark.usefixtures("alone")
def test_a_run_that_waits_already_keeps_its_place(home: Workspace, store: RunStore) -> None:
    first, second, _ = several(store)
    queue.enqueue([first, second], home)
    queue.enqueue([first], home)
    assert ids(home) == [first.id, second.id]


@pytest.mark.usefixtures("alone")
def test_a_run_stopped_while_it_waits_has_left_the_queue(home: Workspace, store: RunStore) -> None:
    first, second, third = several(store)
    queue.enqueue([first, second, third], home)
    processes.stop(second)
    assert ids(home) == [first.id, third.id]
    assert queue.position(second, home) is None
    assert queue.position(third, home) == 2


@pytest.mark.usefixtures("alone")
def test_a_stopped_run_waits_again_at_the_end_with_the_steps_it_has(
    home: Workspace, store: RunStore
) -> None:
    first, second, _ = several(store)
    with first.write() as writer:
        writer.log(7, loss=1)
        writer.finish("stopped", "by request")
    queue.enqueue([second, first], home)
    status = first.status()
    assert (status.state, status.message, status.step, status.pid) == ("queued", "", 7, None)
    assert ids(home) == [second.id, first.id]


@pytest.mark.usefixtures("alone")
def test_when_one_run_cannot_wait_none_is_queued(home: Workspace, store: RunStore) -> None:
    first, second, _ = several(store)
    with second.write():
        pass
    with pytest.raises(RunError, match="is finished"):
        queue.enqueue([first, second], home)
    assert ids(home) == []


@pytest.mark.usefixtures("alone")
def test_a_deleted_run_a_broken_record_and_a_spoiled_ticket_are_in_nobodys_way(
    home: Workspace, store: RunStore
) -> None:
    first, second, third = several(store)
    queue.enqueue([first, second, third], home)
    store.delete(first.id)
    (second.folder / "status.json").write_text("{")
    (home.queue / "0000000000-spoiled.json").write_text('{"run_id": 3')
    for number, spoiled in enumerate(('"7"', "null", "1e99", "[1]")):
        about = f'"run_id": "r", "device": "cpu", "at": 0, "number": {spoiled}'
        (home.queue / f"000000000{number}-r.json").write_text("{" + about + "}")
    assert ids(home) == [third.id]
    assert queue.position(third, home) == 1


@pytest.mark.usefixtures("alone")
def test_position_counts_only_those_who_want_the_same_device(
    home: Workspace, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [
        queue.DeviceState("cpu", "", 1),
        *(queue.DeviceState(f"cuda:{i}", "", 1) for i in "01"),
    ]
    monkeypatch.setattr(queue, "machine_devices", lambda: known)
    wanted = ["cuda:0", "cpu", "cuda:1", "auto", "cpu"]
    runs = [store.create({"stage": "distill", "device": device}) for device in wanted]
    queue.enqueue(runs, home)
    assert [queue.position(run, home) for run in runs] == [1, 1, 1, 3, 2]
    assert [device.waiting for device in queue.devices(home)] == [2, 2, 2]


def test_two_apps_that_enqueue_at_once_lose_no_run_and_share_no_place(
    home: Workspace, store: RunStore
) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom kdcore.runs.queue import queue\n"
        "from kdcore.runs.store import RunStore\nfrom kdcore.workspace import Workspace\n"
        "queue.ensure_dispatcher = lambda workspace: None\n"
        "home = Workspace(Path(sys.argv[1]))\n"
        "for name in sys.argv[2:]:\n    queue.enqueue([RunStore(home.runs).get(name)], home)\n"
    )
    runs = [run.id for run in several(store, 8)]
    both = [
        subprocess.Popen([sys.executable, "-c", program, str(home.root), *order])
        for order in (runs, runs[::-1])
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    numbers = [entry.number for entry in queue.waiting(home)]
    assert sorted(ids(home)) == sorted(runs)
    assert len(set(numbers)) == len(runs)


def test_one_dispatcher_is_started_and_another_only_when_it_was_killed(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "dispatcher_command", lambda workspace: DEAF)
    queue.ensure_dispatcher(home)
    first = queue.dispatcher(home)
    assert first is not None
    try:
        queue.ensure_dispatcher(home)
        assert queue.dispatcher(home) == first
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: queue.dispatcher(home) is None, "its death is seen")
        queue.ensure_dispatcher(home)
        second = queue.dispatcher(home)
        assert second not in (None, first)
    finally:
        told = json.loads((home.queue / "dispatcher.json").read_text())
        psutil.Process(told["pid"]).kill()


def test_a_run_that_works_is_shown_on_the_device_it_holds(
    home: Workspace, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "ensure_dispatcher", lambda workspace: None)
    monkeypatch.setattr(queue, "machine_devices", lambda: [queue.DeviceState("cpu", "", 1)])
    run = several(store, 1)[0]
    queue.enqueue([run], home)
    from kdcore.runs.queue.dispatch import Dispatcher

    Dispatcher(home, command=lambda run: DEAF).look()
    try:
        (cpu,) = queue.devices(home)
        assert (cpu.running, cpu.waiting) == ((run.id,), 0)
    finally:
        processes.stop(run, grace=0.1)
    assert queue.devices(home)[0].running == ()
    assert Record.read(run.folder).state == "stopped"
