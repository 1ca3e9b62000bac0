"""Runs that wait for the devices of a cluster; what the cluster has is written by the test."""

import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from kdcore.errors import ConfigError, RunError
from kdcore.experiments import elsewhere
from kdcore.runs.queue import cluster, dispatch, processes, queue
from kdcore.runs.queue.carried import carried
from kdcore.runs.queue.cluster import Lookout, Machine, Seen
from kdcore.runs.queue.dispatch import Dispatcher
from kdcore.runs.queue.entries import RUNNING, read_entries
from kdcore.runs.record import Record
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace
from tests.runs.conftest import child_command, wait_until

from .test_dispatch import OBEDIENT

ADDRESS = "10.0.0.1:6379"
TWO = (Machine("b", "left", 1), Machine("a", "right", 1))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose runs go to a cluster; nobody looks after its queue or asks the cluster."""
    monkeypatch.setenv(cluster.ADDRESS, ADDRESS)
    monkeypatch.setattr(cluster, "refuse_executor", lambda place: None)  # Ray need not be here
    monkeypatch.setattr(cluster, "ask_command", lambda *_: [sys.executable, "-c", ""])
    monkeypatch.setattr(queue, "ensure_dispatcher", lambda workspace: None)
    monkeypatch.setattr(dispatch, "machine_devices", no_device_here)
    monkeypatch.setattr(queue, "machine_devices", no_device_here)
    (tmp_path / "queue").mkdir()
    return Workspace(tmp_path)


def no_device_here() -> list[object]:
    raise AssertionError("the devices of this machine were asked for")


def seen(home: Workspace, *machines: Machine, problem: str = "", age: float = 0.0) -> None:
    Seen(ADDRESS, machines, problem, time.time() - age).write(home)


def put(store: RunStore, home: Workspace, count: int, device: str = "auto") -> list[Run]:
    runs = [store.create({"stage": "distill", "device": device}) for _ in range(count)]
    queue.enqueue(runs, home)
    return runs


def at_work(home: Workspace) -> dict[str, tuple[str, ...]]:
    return {device.name: device.running for device in queue.devices(home)}


def test_two_runs_get_a_machine_each_and_the_third_waits_until_one_ends(
    home: Workspace, store: RunStore
) -> None:
    first, second, third = put(store, home, 3)
    seen(home, *TWO)
    looks = Dispatcher(home, command=lambda run: child_command(run, OBEDIENT))
    looks.look()
    assert at_work(home) == {"cpu@left": (first.id,), "cpu@right": (second.id,)}
    assert queue.position(third, home) == 1
    assert [device.waiting for device in queue.devices(home)] == [1, 1]
    wait_until(lambda: first.status().step == 1, "the first line")
    processes.stop(first)
    wait_until(lambda: looks.look() or at_work(home)["cpu@left"] == (third.id,), "its turn")
    for run in (second, third):
        processes.stop(run)


def test_the_process_of_a_run_is_told_the_address_and_its_device(
    home: Workspace, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = put(store, home, 1, "cuda")
    seen(home, TWO[0], Machine("c", "big", 8, 2, "H200"))
    commands: list[list[str]] = []
    monkeypatch.setattr(
        processes, "start", lambda run, command, **_: commands.append(list(command))
    )
    Dispatcher(home).look()
    folder = str(run.folder.resolve())
    assert commands == [[sys.executable, "-m", "kdcore", "carry", folder, ADDRESS, "cuda:0@big"]]


@pytest.mark.parametrize("silent", ["", "no Ray cluster answers at 10.0.0.1:6379: refused"])
def test_a_run_stays_queued_while_the_cluster_does_not_answer_and_the_page_has_a_sentence(
    home: Workspace, store: RunStore, silent: str
) -> None:
    (run,) = put(store, home, 1)
    if silent:
        seen(home, problem=silent)
    looks = Dispatcher(home, command=lambda run: child_command(run, OBEDIENT))
    for _ in range(3):
        looks.look()
    assert run.status().state == "queued"
    assert queue.devices(home) == []
    assert (silent or "has not answered yet") in cluster.problem(home, ADDRESS)
    seen(home, *TWO)
    assert cluster.problem(home, ADDRESS) == ""
    looks.look()
    assert run.status().state == "running"
    processes.stop(run)


def test_a_run_that_is_given_back_waits_again_however_often(
    home: Workspace, store: RunStore
) -> None:
    (run,) = put(store, home, 1)
    seen(home, *TWO)
    looks = Dispatcher(home, command=lambda run: [sys.executable, "-c", "input()"])
    for _ in range(dispatch.TRIES + 2):
        looks.look()
        wait_until(lambda: not Record.read(run.folder).is_alive, "its process leaves")
        elsewhere._give_back(run)
        looks.look()
        assert run.status().state != "failed"
    assert read_entries(home.queue)[0].tries == 0 or read_entries(home.queue / RUNNING)


def test_a_cluster_is_asked_once_and_a_process_that_dies_of_it_is_a_problem(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def command(workspace: Workspace, address: str) -> list[str]:
        asked.append(address)
        return [sys.executable, "-c", "raise SystemExit(1)"]

    monkeypatch.setattr(cluster, "ask_command", command)
    lookout = Lookout(home, home.queue / "dispatcher.log")
    wait_until(
        lambda: lookout.devices(ADDRESS) == [] and Seen.read(home, ADDRESS).problem, "a problem"
    )
    lookout.devices(ADDRESS)
    assert asked == [ADDRESS]
    assert "could not be asked: see dispatcher.log" in Seen.read(home, ADDRESS).problem


def test_machines_seen_long_ago_give_no_device_until_they_were_asked_again(
    home: Workspace,
) -> None:
    seen(home, *TWO, age=cluster.FRESH + 1)
    assert Lookout(home, home.queue / "log").devices(ADDRESS) == []
    seen(home, *TWO)
    assert len(Lookout(home, home.queue / "log").devices(ADDRESS)) == 2


def test_each_device_of_a_cluster_is_named_by_its_machine(home: Workspace) -> None:
    seen(home, Machine("2", "vm", 16, 1, "H200"), Machine("1", "vm", 1), Machine("3", "gpus", 0, 1))
    devices = {device.name: device for device in Seen.read(home, ADDRESS).devices}
    assert list(devices) == ["cuda:0@gpus", "cpu@vm", "cpu@vm-2", "cuda:0@vm-2"]
    assert devices["cpu@vm-2"].title == "vm-2: CPU, 16 cores"
    assert devices["cpu@vm-2"].slots == 4
    assert devices["cuda:0@vm-2"].title == "vm-2: H200, cuda:0"
    assert Seen.read(home, ADDRESS).places["cpu@vm-2"].threads == 4


@pytest.mark.parametrize(
    ("address", "device", "says"),
    [
        ("nowhere", "auto", "'nowhere' is no address; use HOST:PORT"),
        ("2", "auto", "'2' is no address"),
        (ADDRESS, "cuda:1", "a cluster cannot give cuda:1; use one of auto, cpu, cuda"),
    ],
)
def test_a_run_that_no_cluster_can_take_is_refused_before_it_waits(
    home: Workspace,
    store: RunStore,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    device: str,
    says: str,
) -> None:
    monkeypatch.setenv(cluster.ADDRESS, address)
    with pytest.raises(ConfigError, match=says):
        put(store, home, 1, device)
    assert queue.waiting(home) == []


def test_a_worker_writes_the_run_and_the_record_keeps_naming_the_process_that_waits(
    run: Run,
) -> None:
    waiting = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        Record.read(run.folder).at_work("queued", waiting.pid, "starting").write(run.folder)
        run.request_stop()  # between the worker that died and the next one
        with carried(), run.write() as writer:
            assert writer.stop_requested
            assert Record.read(run.folder).pid == waiting.pid
            assert run.status().state == "running"
        assert Record.read(run.folder).pid == waiting.pid
        assert run.status().state == "finished"
        with run.write():  # no longer carried: this process is the run's
            assert Record.read(run.folder).pid == os.getpid()
    finally:
        waiting.kill()
        waiting.communicate()


def test_a_run_whose_workers_died_has_failed_with_the_reason_and_can_go_on(run: Run) -> None:
    Record.read(run.folder).at_work("running", os.getpid()).write(run.folder)
    elsewhere._close(run, "its worker died 4 times: no memory", "failed")
    status = run.status()
    assert (status.state, status.page) == ("failed", "its worker died 4 times: no memory")
    assert f"kdlab runs resume {run.id}" in status.message


def test_a_repeated_task_leaves_a_run_alone_that_has_ended(run: Run) -> None:
    with run.write() as writer:
        writer.finish("stopped", "by request")
    task = {"folder": str(run.folder), "home": str(run.folder), "gpu": True, "threads": ""}
    assert elsewhere.carry_out_queued(task) == ""
    assert run.status().message == "by request"


def test_what_is_wrong_with_a_cluster_is_written_down_for_the_page(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdcore.scale.cluster._import_ray", lambda: None)
    assert "no Ray cluster answers at 127.0.0.1:9" in elsewhere.look(home, "127.0.0.1:9").problem
    assert "no Ray cluster answers" in cluster.problem(home, "127.0.0.1:9")

    def blind(ray: object, shared: Path) -> None:
        raise RunError("the machine right cannot do this work: it is a different folder")

    monkeypatch.setattr(elsewhere, "joined", lambda place: nullcontext())
    monkeypatch.setattr(elsewhere, "machines_of", blind)
    elsewhere.look(home, ADDRESS)
    assert "the machine right cannot do this work" in cluster.problem(home, ADDRESS)
    monkeypatch.setattr(elsewhere, "machines_of", lambda ray, shared: TWO)
    assert elsewhere.look(home, ADDRESS) == Seen.read(home, ADDRESS)
    assert len(queue.devices(home)) == 2


def test_a_run_waits_again_when_the_cluster_has_gone_since_it_was_asked(
    home: Workspace, run: Run
) -> None:
    seen(home, *TWO)
    Record.read(run.folder).at_work("queued", os.getpid(), "starting").write(run.folder)
    with pytest.raises(RunError, match="waits again: no Ray cluster answers"):
        elsewhere.carry(run, "127.0.0.1:9", "cpu@left", home)
    assert Record.read(run.folder).is_waiting
    assert "no Ray cluster answers" in cluster.problem(home, "127.0.0.1:9")
