import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from kdcore.errors import RunError
from kdcore.runs.queue import processes
from kdcore.runs.record import LOST_AFTER, Record, process_start
from kdcore.runs.store import Run
from tests.runs.conftest import child_command, wait_until

OBEDIENT = """
w.log(1, loss=1)
while not w.stop_requested:
    time.sleep(0.01)
w.finish('stopped', 'by request')
"""
DEAF = "w.log(1, loss=1)\ntime.sleep(60)"


pytestmark = pytest.mark.usefixtures("no_child_is_left")


def test_a_started_run_is_running_at_once_and_ends_by_itself(run: Run) -> None:
    pid = processes.start(run, child_command(run, "w.log(1, loss=1)"))
    status = run.status()
    assert status.state in ("running", "finished")
    assert status.pid == pid
    wait_until(lambda: run.status().state == "finished", "the end")
    assert run.metrics()[0]["step"] == 1


def test_without_a_command_the_command_line_is_started_on_the_folder(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    popen = subprocess.Popen

    def remember(command: list[str], **how: object) -> object:
        asked.append(command)
        return popen([sys.executable, "-c", ""], **how)  # type: ignore[call-overload]

    monkeypatch.setattr(processes.subprocess, "Popen", remember)
    processes.start(run)
    assert asked == [[sys.executable, "-m", "kdcore", "run", str(run.folder)]]


def test_a_run_is_not_started_twice(run: Run) -> None:
    pid = processes.start(run, child_command(run, DEAF))
    with pytest.raises(RunError, match=str(pid)):
        processes.start(run, child_command(run, DEAF))


def start_from_another_process(run: Run, command: list[str], typed: str = "") -> None:
    """Start the run in a process that has input waiting and ends right afterwards."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom kdcore.runs.queue import processes\n"
        "from kdcore.runs.store import Run\n"
        "processes.start(Run.load(Path(sys.argv[1])), sys.argv[2:])"
    )
    parent = [sys.executable, "-c", program, str(run.folder), *command]
    subprocess.run(parent, input=typed, text=True, check=True, timeout=30)


def test_a_run_outlives_the_process_that_started_it(run: Run) -> None:
    """A closed app or terminal must not take an hour of training with it."""
    start_from_another_process(run, child_command(run, OBEDIENT))
    wait_until(lambda: run.status().step == 1, "the orphan's first line")
    status = run.status()
    assert status.state == "running"
    assert status.pid is not None
    assert os.getsid(status.pid) == status.pid  # a session of its own: no hangup reaches it
    assert processes.stop(run).state == "stopped"


def test_a_child_that_dies_before_it_could_write_is_lost_and_its_words_are_in_the_log(
    run: Run,
) -> None:
    processes.start(run, [sys.executable, "-c", "import no_such_module_here"])
    wait_until(lambda: run.status().state == "lost", "the loss is seen")
    assert "no_such_module_here" in run.log_path.read_text()


def test_a_command_that_does_not_exist_is_said_and_the_run_stays_queued(run: Run) -> None:
    with pytest.raises(RunError, match="could not be started with /no/such/python"):
        processes.start(run, ["/no/such/python"])
    assert run.status().state == "queued"


def test_a_child_reads_no_input(run: Run) -> None:
    """Else a run started in a terminal would swallow what is typed there."""
    reader = "import sys; print(repr(sys.stdin.read()), flush=True)"
    start_from_another_process(run, [sys.executable, "-c", reader], typed="typed")
    wait_until(lambda: run.log_path.read_text().endswith("\n"), "the end of the input")
    assert run.log_path.read_text() == "''\n"


def test_an_obedient_run_stops_in_its_own_words(run: Run) -> None:
    processes.start(run, child_command(run, OBEDIENT))
    wait_until(lambda: run.status().step == 1, "the first step")
    status = processes.stop(run)
    assert (status.state, status.message) == ("stopped", "by request")
    assert not (run.folder / "stop").exists()


def test_a_process_that_has_written_its_end_is_left_to_go_by_itself(run: Run) -> None:
    """SIGTERM while Python closes down would turn a good exit into a bad one."""
    slow_to_leave = (
        OBEDIENT + "import pathlib\ntime.sleep(4)\npathlib.Path(w.folder, 'left').touch()"
    )
    processes.start(run, child_command(run, slow_to_leave))
    wait_until(lambda: run.metrics(), "the first line")
    assert processes.stop(run, grace=2).message == "by request"
    wait_until((run.folder / "left").exists, "its own last word")


def test_a_deaf_run_is_killed_with_its_workers(run: Run) -> None:
    lines = (
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
        "w.log(child.pid, loss=1)\ntime.sleep(60)"
    )
    pid = processes.start(run, child_command(run, lines))
    wait_until(lambda: run.status().step > 0, "the first step")
    worker = int(run.metrics()[0]["step"])
    status = processes.stop(run, grace=0.2)
    assert status.state == "stopped"
    assert "killed" in status.message
    assert f"kdlab runs resume {run.folder}" in status.message
    wait_until(lambda: process_start(pid) is None, "the child's death")
    wait_until(lambda: process_start(worker) is None, "the worker's death")


def test_a_run_stopped_while_it_still_loads_is_stopped_and_not_lost(run: Run) -> None:
    """Loading torch takes seconds, in which no stop file is read and SIGTERM kills."""
    processes.start(run, [sys.executable, "-c", "import time; time.sleep(60)"])
    assert processes.stop(run, grace=0.4).state == "stopped"


def test_a_process_that_got_the_pid_later_is_never_stopped(run: Run) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        started = process_start(stranger.pid)
        assert started is not None
        replace(
            Record.read(run.folder),
            state="running",
            pid=stranger.pid,
            process_start=started - 100,
        ).write(run.folder)
        assert processes.stop(run, grace=0.1).state == "lost"
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_queued_run_is_stopped_before_it_starts(run: Run) -> None:
    status = processes.stop(run)
    assert (status.state, status.message) == ("stopped", "stopped before it started")


def test_a_finished_run_stays_finished(run: Run) -> None:
    with run.write():
        pass
    assert processes.stop(run).state == "finished"


def test_a_run_in_this_process_is_asked_and_never_killed(run: Run) -> None:
    with run.write() as writer:
        assert processes.stop(run, grace=0.0).state == "running"
        assert writer.stop_requested


def test_a_stopped_run_can_be_started_again(run: Run) -> None:
    processes.stop(run)
    processes.start(run, child_command(run, "w.log(5, loss=1)"))
    wait_until(lambda: run.status().state == "finished", "the end of the second try")
    assert run.status().step == 5


def test_a_stop_that_a_killed_child_never_read_does_not_stop_the_next(run: Run) -> None:
    (run.folder / "stop").touch()
    processes.start(run, child_command(run, "w.log(1, stopped=w.stop_requested)"))
    wait_until(lambda: run.status().state == "finished", "the end")
    assert run.metrics()[0]["stopped"] == 0


def test_a_run_of_another_machine_is_known_by_its_heartbeat_and_stopped_by_its_file(
    run: Run,
) -> None:
    """Its pid means nothing here: it may even be that of another process, which must live on."""
    mine = Record.read(run.folder).at_work("running", os.getpid())
    replace(mine, machine="0123456789ab", process_start=-1.0).write(run.folder)
    assert run.status().state == "running"
    with pytest.raises(RunError, match="is running already"):
        processes.start(run, child_command(run, "pass"))
    assert processes.stop(run, grace=0.1).state == "running"
    assert run.stop_kind == "pause"
    old = time.time() - LOST_AFTER - 1
    replace(mine, machine="0123456789ab", heartbeat=old).write(run.folder)
    status = run.status()
    assert status.state == "lost"
    assert "on another machine gave no sign of life for 301 s" in status.message
    replace(mine, heartbeat=old).write(run.folder)  # here the process itself is looked at
    assert run.status().state == "running"
