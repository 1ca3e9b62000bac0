import shutil
from pathlib import Path

import pytest

from kdcore import trash as kept_in_trash
from kdcore.errors import RunError, UnknownNameError
from kdcore.runs import record as record_module
from kdcore.runs.purpose import Purpose
from kdcore.runs.queue import control, processes, queue
from kdcore.runs.record import process_start
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace
from tests.runs.conftest import child_command, wait_until

ASKED = """
w.log(1, loss=1)
while not w.stop_kind:
    time.sleep(0.01)
w.finish('stopped' if w.stop_kind == 'pause' else 'finished', 'asked to ' + w.stop_kind)
"""
DEAF = "w.log(1, loss=1)\ntime.sleep(60)"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(queue, "ensure_dispatcher", lambda workspace: None)
    return Workspace(tmp_path)


pytestmark = pytest.mark.usefixtures("no_child_is_left")


def begun(run: Run, lines: str) -> None:
    processes.start(run, child_command(run, lines))
    wait_until(lambda: run.status().step == 1, "the first line")


def test_a_paused_run_stops_in_its_own_words_and_its_asker_does_not_wait(
    run: Run, home: Workspace
) -> None:
    begun(run, ASKED)
    control.pause(run, home)
    assert run.stop_kind == "pause" or run.status().state == "stopped"
    wait_until(lambda: run.status().state == "stopped", "the stop")
    assert run.status().message == "asked to pause"


def test_a_deaf_run_is_killed_when_it_is_paused(run: Run, home: Workspace) -> None:
    begun(run, DEAF)
    control.pause(run, home, wait=True)
    assert run.status().state == "stopped"
    assert process_start(run.status().pid or 0) is None


def test_a_run_that_waits_leaves_the_queue_when_it_is_paused(run: Run, home: Workspace) -> None:
    queue.enqueue([run], home)
    control.pause(run, home)
    assert run.status().state == "stopped"
    assert queue.waiting(home) == []
    assert not list(home.queue.glob("0*.json"))


def test_a_paused_run_waits_again_when_it_is_resumed(run: Run, home: Workspace) -> None:
    begun(run, ASKED)
    control.pause(run, home, wait=True)
    control.resume(run, home)
    assert [entry.run_id for entry in queue.waiting(home)] == [run.id]


def test_a_run_at_work_cannot_be_resumed(run: Run, home: Workspace) -> None:
    begun(run, ASKED)
    with pytest.raises(RunError, match="is running"):
        control.resume(run, home)


def test_a_run_that_is_asked_to_end_early_is_told_to_keep(run: Run) -> None:
    begun(run, ASKED)
    control.finish_early(run)
    wait_until(lambda: run.status().state == "finished", "the end")
    assert run.status().message == "asked to keep"


def test_a_run_that_was_told_to_stop_is_not_called_back_to_keep(run: Run) -> None:
    begun(run, DEAF)
    run.request_stop()
    control.finish_early(run)
    assert run.stop_kind == "pause"


def test_only_a_run_that_works_can_end_early(run: Run) -> None:
    with pytest.raises(RunError, match="is queued"):
        control.finish_early(run)


def test_one_that_was_asked_to_keep_can_still_be_asked_to_stop(run: Run) -> None:
    with run.write() as writer:
        run.request_stop("keep")
        assert writer.stop_kind == "keep"
        run.request_stop()
        writer._next_look = 0.0
        assert writer.stop_kind == "pause"
        run.request_stop("keep")
        assert writer.stop_kind == "pause"


def test_a_discarded_run_is_stopped_and_can_be_taken_back(
    run: Run, home: Workspace, store: RunStore
) -> None:
    begun(run, ASKED)
    control.discard(run, home)
    wait_until(lambda: not run.folder.exists(), "the trash")
    assert store.list() == []
    assert [one.id for one in store.trashed()] == [run.id]
    again = store.restore(run.id)
    assert (again.status().state, len(again.metrics())) == ("stopped", 1)
    assert store.trashed() == ()


def test_a_discarded_run_that_waited_does_not_wait_again_when_it_is_taken_back(
    run: Run, home: Workspace, store: RunStore
) -> None:
    queue.enqueue([run], home)
    control.discard(run, home)
    assert store.restore(run.id).status().state == "stopped"
    assert queue.waiting(home) == []


def test_a_running_run_is_not_thrown_away(run: Run, store: RunStore) -> None:
    with run.write(), pytest.raises(RunError, match="is running"):
        store.trash(run.id)
    assert store.list() == [run]


def test_what_is_a_week_in_the_trash_goes_for_good(
    run: Run, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.trash(run.id)
    monkeypatch.setattr(kept_in_trash, "LIFETIME", -1.0)
    assert store.trashed() == ()
    with pytest.raises(UnknownNameError, match=run.id):
        store.restore(run.id)


def test_a_run_that_could_not_write_its_end_on_a_full_disk_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(run, "w.log(1, loss=1)\nos._exit(1)")
    wait_until(lambda: run.status().state == "lost", "the loss is seen")
    assert "killed" in run.status().message
    full = shutil.disk_usage(run.folder)._replace(free=0)
    monkeypatch.setattr(record_module.shutil, "disk_usage", lambda folder: full)
    assert "the disk is full" in run.status().message


@pytest.mark.parametrize("stage", ["teacher", "distill"])
def test_a_run_that_has_taken_no_step_has_nothing_to_keep_and_says_so(run: Run, stage: str) -> None:
    with run.write() as writer:
        writer._next_beat = 0.0
        writer.progress(30 if stage == "teacher" else 0, 60, stage)
        with pytest.raises(RunError, match="no student to save yet"):
            control.finish_early(run)
        assert writer.stop_kind == ""
        writer.progress(0, 60, "distill")
        writer._next_beat = 0.0
        writer.log(1, loss=1)
        control.finish_early(run)
        assert run.stop_kind == "keep"


def test_a_scoring_has_nothing_to_keep(store: RunStore) -> None:
    scoring = store.create({"stage": "infer"})
    with scoring.write() as writer:
        writer.log(3, pairs_per_second=1)
        with pytest.raises(RunError, match="it trains nothing"):
            control.finish_early(scoring)


def test_a_run_stays_held_while_it_goes_to_the_trash(
    run: Run, home: Workspace, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever resumes it in this moment hears so, instead of losing it under his hands."""
    genuine, said = kept_in_trash.throw_away, []

    def throw_away(folder: Path) -> None:
        with pytest.raises(RunError) as refused:
            queue.enqueue([run], home)
        said.append(str(refused.value))
        genuine(folder)

    monkeypatch.setattr(kept_in_trash, "throw_away", throw_away)
    store.trash(run.id)
    assert "is being written by" in said[0]
    assert queue.waiting(home) == []
    assert [one.id for one in store.trashed()] == [run.id]


def pair(store: RunStore, home: Workspace, students: int = 1) -> list[Run]:
    """Students and the one twin they name, all in the queue; the twin is the last."""
    twin = store.create({"stage": "finetune"}, purpose=Purpose(group="g", role="twin"))
    told = Purpose(group="g", role="student", twin=twin.id)
    runs = [store.create({"stage": "distill"}, purpose=told) for _ in range(students)]
    queue.enqueue([*runs, twin], home)
    return [*runs, twin]


def test_the_twin_of_a_discarded_student_leaves_the_line_as_well_and_it_is_said(
    home: Workspace, store: RunStore
) -> None:
    student, twin = pair(store, home)
    assert "twin" in control.discard(student, home)
    assert queue.waiting(home) == []
    assert twin.status().state == "stopped"


def test_a_twin_that_another_student_names_stays_in_the_line(
    home: Workspace, store: RunStore
) -> None:
    one, other, twin = pair(store, home, 2)
    assert control.discard(one, home) == ""
    assert [entry.run_id for entry in queue.waiting(home)] == [other.id, twin.id]
    assert "twin" in control.discard(other, home)
    assert queue.waiting(home) == []
