import os
import subprocess
import sys

from kdcore import folder_job
from kdcore.folder_job import FolderJob
from kdcore.workspace import write_json_atomic


def test_a_start_removes_the_oldest_jobs_but_no_running_one(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(folder_job, "start_detached", lambda *words: started.append(words))
    monkeypatch.setattr(folder_job, "_MOST", 2)
    for age, name in enumerate(("new", "old", "running")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result").touch()
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    running = {"pid": os.getpid(), "started": folder_job.process_start(os.getpid())}
    (tmp_path / "running" / "result").unlink()
    write_json_atomic(tmp_path / "running" / "status.json", running)
    os.utime(tmp_path / "running", (1, 1))
    job = FolderJob(tmp_path / "now", "result")
    job.folder.mkdir()
    job.start("work")
    assert {path.name for path in tmp_path.iterdir()} == {"now", "new", "running"}
    assert started == [("work", str(job.folder))]
    assert job.progress().state == "running"


def test_a_job_cancelled_before_its_process_is_there_does_no_work(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_job, "start_detached", lambda *words: None)
    job, steps = FolderJob(tmp_path / "job", "result"), []
    job.folder.mkdir()
    job.start("work")
    job.cancel()
    job.carry_out(lambda tell: steps.append("late"))
    assert (steps, job.progress().state) == ([], "none")
    job.start("work")  # it can be started again, and of two processes only one does the work
    job.carry_out(
        lambda tell: (steps.append("first"), job.carry_out(lambda _: steps.append("two")))
    )
    assert steps == ["first"]


def test_a_job_whose_cancel_no_signal_reached_ends_at_its_next_step(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_job.os, "kill", lambda pid, number: None)
    job, steps = FolderJob(tmp_path, "result"), []

    def work(tell):
        job.cancel()
        tell("second", 0.5)
        steps.append("second")

    job.carry_out(work)
    assert (steps, job.progress().state) == ([], "none")


def test_a_process_that_is_late_is_not_lost_and_one_that_died_is(tmp_path, monkeypatch):
    """On a busy machine a process needs minutes to say that it is there."""
    late = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    monkeypatch.setattr(folder_job, "start_detached", lambda *words: late.pid)
    monkeypatch.setattr(folder_job, "_PATIENCE", 0.0)
    job = FolderJob(tmp_path, "result")
    job.start("work")
    assert (job.progress().state, job.is_needed) == ("running", False)
    late.kill()
    late.wait()
    assert (job.progress().state, job.is_needed) == ("lost", True)


def test_a_cancel_ends_a_process_that_has_yet_to_say_that_it_is_there(tmp_path, monkeypatch):
    late = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    monkeypatch.setattr(folder_job, "start_detached", lambda *words: late.pid)
    job = FolderJob(tmp_path, "result")
    job.start("work")
    job.cancel()
    assert late.wait(timeout=60) != 0
    assert job.progress().state == "none"
