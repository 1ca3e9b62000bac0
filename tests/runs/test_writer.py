import json
import logging
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kdcore.errors import Cure, DataError, RunError
from kdcore.runs import record as record_module
from kdcore.runs import writer as writer_module
from kdcore.runs.store import Run

from .conftest import child_command, wait_until

Child = Callable[[str], subprocess.Popen[bytes]]
WORK_FOREVER = "while True:\n    w.log(1, loss=0.5)\n    time.sleep(0.01)"


def curve(run: Run, name: str = "loss") -> list[tuple[float, float]]:
    return [(line["step"], line[name]) for line in run.metrics()]


def test_what_was_logged_is_read_back_at_once(run: Run) -> None:
    with run.write() as writer:
        writer.log(1, loss=0.5, kl=2)
        assert curve(run) == [(1, 0.5)]
        assert run.metrics()[0]["kl"] == 2
        assert run.metrics()[0]["time"] > 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_written_as_null_and_read_as_nan(run: Run, value: float) -> None:
    """Python writes NaN into JSON, and then no browser can read the file."""
    with run.write() as writer:
        writer.log(1, loss=value)
    line = (run.folder / "metrics.jsonl").read_text()
    assert json.loads(line, parse_constant=pytest.fail)["loss"] is None
    assert math.isnan(run.metrics()[0]["loss"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(count=st.integers(0, 5), tail=st.binary(max_size=40).filter(lambda b: b"\n" not in b))
def test_a_torn_tail_never_shows_and_never_hides_a_whole_line(
    run: Run, count: int, tail: bytes
) -> None:
    whole = "".join(json.dumps({"step": step, "loss": 1.0}) + "\n" for step in range(count))
    (run.folder / "metrics.jsonl").write_bytes(whole.encode() + tail)
    assert [step for step, _ in curve(run)] == list(range(count))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cut=st.integers(0, 200))
def test_a_file_cut_anywhere_shows_the_lines_before_the_cut(run: Run, cut: int) -> None:
    lines = [json.dumps({"step": step, "loss": 0.25}) + "\n" for step in range(6)]
    text = "".join(lines)[:cut]
    (run.folder / "metrics.jsonl").write_text(text)
    assert len(run.metrics()) == text.count("\n")


@pytest.mark.parametrize(
    "corrupt",
    ["", "{", "\0\0\0", "[1]", "7", '{"step": "x"}', '{"loss": 1}', "[" * 100_000, "\xff"],
)
def test_one_corrupt_line_is_skipped(run: Run, corrupt: str) -> None:
    good = '{"step": %d, "loss": 1}\n'
    text = good % 1 + corrupt + "\n" + good % 2
    (run.folder / "metrics.jsonl").write_text(text, encoding="latin-1")
    assert curve(run) == [(1, 1), (2, 1)]


def test_a_new_writer_cuts_the_line_that_a_killed_one_left_half_written(run: Run) -> None:
    """Appended to half a line, the first metric after a resume would be lost."""
    (run.folder / "metrics.jsonl").write_text('{"step": 1, "loss": 1}\n{"step": 2, "lo')
    with run.write() as writer:
        writer.log(2, loss=3.0)
    assert curve(run) == [(1, 1), (2, 3)]


def test_a_resumed_curve_equals_an_undisturbed_one(run: Run) -> None:
    with run.write() as writer:
        for step in range(8):
            writer.log(step, loss=step / 7)
        writer.finish("stopped")
    undisturbed = curve(run)
    with run.write() as writer:
        writer.truncate_after(4)  # the last checkpoint is older than the last line
        assert curve(run) == undisturbed[:5]
        for step in range(5, 8):
            writer.log(step, loss=step / 7)
    assert curve(run) == undisturbed


def test_progress_is_not_written_at_every_step(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replaced file a step would slow a fast student down."""
    clock = [100.0]
    monkeypatch.setattr(writer_module.time, "monotonic", lambda: clock[0])
    writes: list[int] = []
    write = record_module.Record.write
    with run.write() as writer:
        monkeypatch.setattr(
            record_module.Record,
            "write",
            lambda record, folder: (writes.append(record.step), write(record, folder)),
        )
        for step in range(1, 101):
            clock[0] += 0.1
            writer.progress(step, 100, "train")
    assert len(writes) <= 12
    assert run.status().step == 100


def test_a_new_stage_is_told_at_once(run: Run) -> None:
    with run.write() as writer:
        writer.progress(1, 10, "train")
        writer.progress(2, 10, "evaluate")
        assert run.status().stage == "evaluate"


def test_leaving_the_block_means_finished(run: Run) -> None:
    with run.write() as writer:
        assert run.status().state == "running"
        writer.log(1, loss=1)
    status = run.status()
    assert (status.state, status.step) == ("finished", 1)
    assert status.started is not None
    assert status.ended is not None
    assert status.ended >= status.started
    assert run.title == "a small one"


def test_an_end_that_the_recipe_wrote_stands(run: Run) -> None:
    with run.write() as writer:
        writer.finish("stopped", "the visitor asked")
    assert (run.status().state, run.status().message) == ("stopped", "the visitor asked")


def test_only_ends_can_be_written_as_an_end(run: Run) -> None:
    with run.write() as writer, pytest.raises(RunError, match="not 'running'"):
        writer.finish("running")


def test_ctrl_c_leaves_a_stopped_run_that_says_how_to_resume(run: Run) -> None:
    with pytest.raises(KeyboardInterrupt), run.write():
        raise KeyboardInterrupt
    assert run.status().state == "stopped"
    assert f"kdlab runs resume {run.folder}" in run.status().message


def test_an_error_of_the_lab_is_told_in_its_own_words(run: Run) -> None:
    with pytest.raises(DataError), run.write():
        raise DataError("pairs.csv has no column 'grade'")
    assert (run.status().state, run.status().message) == (
        "failed",
        "pairs.csv has no column 'grade'",
    )


def test_a_bug_leaves_one_plain_line_and_its_traceback_in_the_log(run: Run) -> None:
    with pytest.raises(ZeroDivisionError), run.write():
        print(1 / 0)  # noqa: T201
    message = run.status().message
    assert run.status().state == "failed"
    assert "\n" not in message
    assert "ZeroDivisionError" in message
    assert "Traceback" in run.log_path.read_text()


def test_an_error_after_the_end_was_written_is_not_hidden_by_it(run: Run) -> None:
    def end_and_fail() -> None:
        with run.write() as writer:
            writer.finish("finished")
            raise DataError("the model card could not be written")

    with pytest.raises(DataError):
        end_and_fail()
    assert run.status().state == "failed"


def test_the_log_of_the_lab_goes_to_the_run_only_while_it_is_written(run: Run) -> None:
    logger = logging.getLogger("kdcore")
    before = (logger.level, list(logger.handlers))
    with run.write():
        logging.getLogger("kdcore.recipes").info("epoch 1")
    logging.getLogger("kdcore.recipes").warning("too late")
    assert "INFO epoch 1" in run.log_path.read_text()
    assert "too late" not in run.log_path.read_text()
    assert (logger.level, list(logger.handlers)) == before


def test_a_second_writer_in_the_same_process_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LOCK_PATIENCE", 0.05)
    with run.write(), pytest.raises(RunError, match=f"process {os.getpid()}"), run.write():
        pass
    assert run.status().state == "finished"


def test_a_second_process_is_refused_and_told_who_writes(
    run: Run, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LOCK_PATIENCE", 0.05)
    process = child(WORK_FOREVER)
    with pytest.raises(RunError, match=f"process {process.pid}"), run.write():
        pass
    assert run.status().state == "running"


def test_a_killed_child_is_lost_and_the_run_can_be_written_again(run: Run, child: Child) -> None:
    process = child(WORK_FOREVER)
    assert run.status().state == "running"
    process.kill()
    # before wait(): a zombie counts as dead
    wait_until(lambda: run.status().state == "lost", "the loss is seen")
    process.wait()
    with run.write() as writer:
        writer.log(2, loss=0.1)
    assert run.status().state == "finished"
    assert curve(run)[-1] == (2, 0.1)


def test_sigterm_asks_the_child_to_stop(run: Run, child: Child) -> None:
    process = child(
        "w.log(1, loss=1)\nwhile not w.stop_requested:\n    time.sleep(0.01)\n"
        "w.finish('stopped', 'by request')"
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert (run.status().state, run.status().message) == ("stopped", "by request")


def test_sigterm_means_what_it_did_once_the_run_is_over(run: Run) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with run.write():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_stop_file_stops_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left behind, it would stop the resumed run at its first step."""
    monkeypatch.setattr(writer_module, "STOP_LOOK_EVERY", 0.0)
    with run.write() as writer:
        assert not writer.stop_requested
        run.request_stop()
        assert writer.stop_requested
        writer.finish("stopped")
    with run.write() as writer:
        assert not writer.stop_requested


def test_a_stop_meant_for_a_killed_child_does_not_stop_the_next(run: Run) -> None:
    (run.folder / "stop").touch()
    with run.write() as writer:
        assert not writer.stop_requested


def test_an_ended_run_takes_no_stop_request(run: Run) -> None:
    with run.write():
        pass
    run.request_stop()
    assert not (run.folder / "stop").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_the_metrics_is_said_plainly(run: Run) -> None:
    (run.folder / "metrics.jsonl").symlink_to("/dev/full")
    writer = run.write()
    writer._drop_torn_tail = lambda: None  # type: ignore[method-assign]  # /dev/full has no end
    with pytest.raises(RunError, match="the disk is full: free some space, then resume"), writer:
        writer.log(1, loss=1)
    assert run.status().state == "failed"
    assert "the disk is full" in run.status().message


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError("Error while serializing: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_under_the_model_is_said_plainly_too(run: Run, error: Exception) -> None:
    with pytest.raises(type(error)), run.write():
        raise error
    assert "the disk is full" in run.status().message


def test_a_missing_file_is_not_called_a_failed_write(run: Run) -> None:
    with pytest.raises(FileNotFoundError), run.write():
        open("/no/such/pairs.tsv")  # noqa: SIM115
    assert "/no/such/pairs.tsv" in run.status().message


def test_a_full_disk_under_the_status_leaves_the_old_one_whole(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def fill_the_disk() -> None:
        with run.write() as writer:
            writer.log(1, loss=1)
            monkeypatch.setattr("kdcore.workspace.os.fsync", full)
            writer.progress(2, 10, "a new stage")

    with pytest.raises(RunError, match="the disk is full"):
        fill_the_disk()
    monkeypatch.undo()
    assert json.loads((run.folder / "status.json").read_text())["step"] == 1
    assert not list(run.folder.glob(".status*"))


def test_a_line_that_does_not_fit_is_not_left_half_written(run: Run) -> None:
    """A real limit on the file's size: the kernel writes a part of the line, then refuses."""
    lines = (
        "import resource\nw.log(1, loss=0.5)\n"
        "size = os.path.getsize(run.folder / 'metrics.jsonl')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 9, resource.RLIM_INFINITY))\n"
        "try:\n    w.log(2, loss=0.5)\nfinally:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
    )
    done = subprocess.run(child_command(run, lines), stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    text = (run.folder / "metrics.jsonl").read_text()
    assert text.endswith("}\n")
    assert len(text.splitlines()) == 1
    assert run.status().state == "failed"
    assert "could not be written" in run.status().message


def test_a_forked_data_loader_still_dies_of_sigterm(run: Run) -> None:
    lines = (
        "ready, tell = os.pipe()\npid = os.fork()\n"
        "if pid == 0:\n    os.write(tell, b'!')\n    time.sleep(60)\n    os._exit(0)\n"
        "os.read(ready, 1)\nos.kill(pid, 15)\n_, ended = os.waitpid(pid, 0)\n"
        "assert os.WTERMSIG(ended) == 15\nassert not w.stop_requested"
    )
    subprocess.run(child_command(run, lines), check=True, timeout=30)
    assert run.status().state == "finished"


def test_a_writer_off_the_main_thread_works_without_signals(run: Run) -> None:
    program = (
        "import sys, threading\nfrom pathlib import Path\nfrom kdcore.runs.store import Run\n"
        "def work():\n"
        "    with Run.load(Path(sys.argv[1])).write() as w:\n        w.log(1, loss=1)\n"
        "t = threading.Thread(target=work); t.start(); t.join()"
    )
    subprocess.run([sys.executable, "-c", program, str(run.folder)], check=True, timeout=30)
    assert run.status().state == "finished"


def test_a_folder_that_is_removed_while_its_run_works_stays_away(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdcore.runs.writer.HEARTBEAT_EVERY", 0)

    def work() -> None:
        with run.write() as writer:
            shutil.rmtree(run.folder)
            (run.folder / "checkpoint").mkdir(parents=True)  # what another write brought back
            writer.progress(1, 2)

    with pytest.raises(RunError, match="was removed while it worked"):
        work()
    assert not run.folder.exists()


def test_what_is_told_of_a_run_is_told_once_and_read_back(run: Run) -> None:
    assert run.notes == ()
    with run.write() as writer:
        writer.note(["one", "two"])
        writer.note(["two", "three"])
    assert run.notes == ("one", "two", "three")
    (run.folder / "notes.json").write_text("{")
    assert run.notes == ()


def test_an_error_leaves_its_cause_its_change_and_the_words_of_the_page(run: Run) -> None:
    message = Cure("the memory is full; resume with `kdlab`", "the memory is full")
    error = RunError(message, cause="memory", change={"training.batch_size": 8})
    with pytest.raises(RunError), run.write():
        raise error
    status = run.status()
    assert (status.cause, status.change) == ("memory", {"training.batch_size": 8})
    assert status.for_app == "the memory is full"
    assert "kdlab" in status.message
    with run.write():
        assert (run.status().cause, run.status().change, run.status().page) == ("", {}, "")


@pytest.mark.parametrize(
    ("message", "page", "cause", "change"),
    [
        ("stopped; resume with `kdlab runs resume x`", "stopped", "", {}),
        ("stopped at step 3; continue with `kdlab runs resume x`", "stopped at step 3", "", {}),
        (
            "the machine ran out of memory at batch size 512; 256 needs about half: change it",
            "",
            "memory",
            {"training.batch_size": 256},
        ),
        (
            "the GPU ran out of memory at batch size 64; batch size 16 fits: change it",
            "",
            "memory",
            {"training.batch_size": 16},
        ),
        ("the GPU ran out of memory at batch size 1; choose a smaller model", "", "memory", {}),
        (
            "became not-a-number at step 4 of 8 (learning rate 0.5); try 0.05. Nothing is saved",
            "",
            "not a number",
            {"training.learning_rate": 0.05},
        ),
        (
            "This device cannot be used:\n- device: 'cuda' is not here; auto takes what is",
            "",
            "settings",
            {"device": "auto"},
        ),
    ],
)
def test_a_status_of_an_earlier_version_has_its_fields_read_off_its_sentence(
    run: Run, message: str, page: str, cause: str, change: dict[str, object]
) -> None:
    earlier = {"state": "failed", "message": message, "title": "t", "created": 1.0, "step": 4}
    (run.folder / "status.json").write_text(json.dumps(earlier))
    status = run.status()
    assert (status.message, status.page) == (message, page)
    assert (status.cause, status.change) == (cause, change)
