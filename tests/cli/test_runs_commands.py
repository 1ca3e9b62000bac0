import re
import signal
import time
from collections.abc import Callable

import pytest

from kdcore import lab
from kdcore.runs.queue import queue
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import TEACHER, TINY, Home, Kdlab, in_its_own_process

PATIENCE = 60.0  # seconds; only a broken test waits this long
LONG = ("--batch-size", "8", "--epochs", "60")
FINETUNE = ("finetune", "--data", "small", "--model", TEACHER)


def wait_for(what: Callable[[], Run | None]) -> Run:
    until = time.monotonic() + PATIENCE
    while (found := what()) is None:
        assert time.monotonic() < until, "never happened"
        time.sleep(0.01)
    return found


def new_and_learning(before: set[str]) -> Callable[[], Run | None]:
    """Looks for a run that is new and has written a line of metrics."""

    def look() -> Run | None:
        new = [run for run in lab.store().list() if run.id not in before]
        return new[0] if new and new[0].metrics() else None

    return look


def test_list_shows_what_each_run_is_and_came_to(home: Home, kdlab: Kdlab) -> None:
    assert kdlab("evaluate", home.teacher, "--quiet").code == 0
    told = {about["run"]: about for about in kdlab("runs", "list", "--json").json["runs"]}
    teacher, student = told[home.teacher], told[home.student]
    assert (teacher["stage"], teacher["data"], teacher["state"]) == (
        "finetune", "small", "finished"
    )  # fmt: skip
    assert 0 <= teacher["test_roc_auc"] <= 1
    assert 0 <= student["validation_roc_auc"] <= 1
    assert student["model"].startswith("twinbert_cos:layers=1,hidden=16")
    assert home.teacher in kdlab("runs", "list").out


def test_an_empty_workspace_says_how_to_begin(empty_home: object, kdlab: Kdlab) -> None:
    assert "kdlab tutorial" in kdlab("runs", "list").out
    assert kdlab("runs", "list", "--json").json == {"runs": []}


def test_show_and_path_take_the_beginning_of_an_id(home: Home, kdlab: Kdlab) -> None:
    ids = [run.id for run in lab.store().list() if run.id != home.teacher]
    lengths = range(1, len(home.teacher))
    short = next(
        home.teacher[:n] for n in lengths if not any(x.startswith(home.teacher[:n]) for x in ids)
    )
    told = kdlab("runs", "show", short, "--json").json
    assert told["status"]["state"] == "finished"
    assert told["config"]["data"] == "small"
    assert told["last"]["loss"] > 0
    assert "is finished" in kdlab("runs", "show", short).out
    assert kdlab("runs", "path", short).out.strip() == str(home.folder / "runs" / home.teacher)


def test_a_finished_run_cannot_be_resumed_and_stop_leaves_it_as_it_is(
    home: Home, kdlab: Kdlab
) -> None:
    for options in ((), ("--detach",)):
        said = kdlab("runs", "resume", home.teacher, *options)
        assert (said.code, said.out) == (4, "")
        assert "is finished" in said.err
    assert kdlab("runs", "stop", home.teacher, "--json").json["state"] == "finished"


def test_delete_wants_whole_ids_tells_who_was_taught_and_can_be_taken_back(
    home: Home, kdlab: Kdlab
) -> None:
    made = lab.store().create({"stage": "finetune"}, title="doomed")
    pupil = lab.store().create({"stage": "distill", "teacher": made.id})
    refused = kdlab("runs", "delete", pupil.id, made.id[:-1])
    words = " ".join(refused.err.split())
    assert refused.code == 2
    assert "is not a whole id, and nothing was deleted" in words
    assert f"write `kdlab runs delete {made.id}`" in words
    assert pupil.folder.exists()
    said = kdlab("runs", "delete", made.id)
    assert said.code == 0
    assert f"{made.id} teaches {pupil.id}" in said.out
    assert not made.folder.exists()
    assert kdlab("runs", "restore", made.id).code == 0
    assert made.folder.exists()
    assert kdlab("runs", "delete", made.id, pupil.id, "--json").json["taught"] == {
        made.id: [pupil.id],
        pupil.id: [],
    }


def test_nobody_waits_for_a_run_that_nobody_works_on(home: Home, kdlab: Kdlab) -> None:
    made = lab.store().create({"stage": "finetune"}, title="forgotten")
    said = kdlab("runs", "watch", made.id)
    assert said.code == 4
    assert "no process works on it" in said.err
    lab.store().delete(made.id)


def test_run_refuses_a_folder_that_is_no_run(home: Home, kdlab: Kdlab) -> None:
    assert kdlab("run", home.folder / "data").code == 4


def test_ctrl_c_stops_with_130_and_resume_finishes(home: Home, kdlab: Kdlab) -> None:
    before = {run.id for run in lab.store().list()}
    process = in_its_own_process(*FINETUNE, *LONG)
    run = wait_for(new_and_learning(before))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert f"kdlab runs resume {run.id}" in err
    assert run.status().state == "stopped"
    assert kdlab("runs", "resume", run.id, "--quiet").code == 0
    assert run.status().state == "finished"
    assert run.metrics()[-1]["step"] == 60 * 9


def test_a_detached_run_and_a_resumed_one_wait_in_the_queue(
    home: Home, kdlab: Kdlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once would share a GPU."""
    monkeypatch.setattr(queue, "ensure_dispatcher", lambda workspace: None)
    told = kdlab(*FINETUNE, *TINY, "--detach", "--json").json
    assert (told["state"], told["pid"]) == ("queued", None)
    assert [entry.run_id for entry in queue.waiting(Workspace(home.folder))] == [told["run"]]
    assert kdlab("runs", "stop", told["run"]).code == 0
    assert queue.waiting(Workspace(home.folder)) == []
    assert kdlab("runs", "resume", told["run"], "--detach").out.strip() == told["run"]
    assert [entry.run_id for entry in queue.waiting(Workspace(home.folder))] == [told["run"]]
    lab.store().delete(told["run"])


def test_a_detached_run_goes_on_alone_and_can_be_watched(home: Home, kdlab: Kdlab) -> None:
    """The whole way of the app: an id at once, `kdlab run FOLDER` in a process of its own."""
    made = kdlab(*FINETUNE, *TINY, "--detach").out.strip()
    run = lab.store().get(made)
    assert run.id == made
    said = kdlab("runs", "watch", made, "--json")
    assert (said.code, said.json["state"]) == (0, "finished")
    assert run.predictions_path("test").exists()


@pytest.mark.slow
def test_a_detached_run_can_be_stopped_and_resumed(home: Home, kdlab: Kdlab) -> None:
    before = {run.id for run in lab.store().list()}
    made = kdlab(*FINETUNE, *LONG, "--detach", "--json").json
    assert made["state"] == "queued"
    wait_for(new_and_learning(before))
    assert kdlab("runs", "stop", made["run"], "--json").json["state"] == "stopped"
    said = kdlab("runs", "watch", made["run"])
    assert said.code == 4
    assert "is stopped" in said.err
    assert kdlab("runs", "resume", made["run"], "--quiet").code == 0


def test_show_tells_when_the_last_number_came_as_a_date(home: Home, kdlab: Kdlab) -> None:
    (line,) = re.findall(r"^.*\btime\b.*$", kdlab("runs", "show", home.teacher).out, re.M)
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", line)


def test_a_split_without_predictions_of_a_finished_run_is_answered_with_those_it_has(
    home: Home, kdlab: Kdlab
) -> None:
    held = {path.stem for path in lab.store().get(home.teacher).folder.glob("predictions/*")}
    said = kdlab("evaluate", home.teacher, "--split", "tset")
    told = " ".join(said.err.split())
    assert (said.code, said.out) == (4, "")
    assert f"it has them on: {', '.join(sorted(held))}" in told
    assert f"kdlab infer {home.teacher}" in told
    assert "resume" not in told


def test_a_bad_temperature_is_told_alike_by_predict_and_evaluate(home: Home, kdlab: Kdlab) -> None:
    asked = ("predict", "lamp", "buy a lamp", "--run", home.teacher)
    for command in (asked, ("evaluate", home.teacher)):
        said = kdlab(*command, "--temperature", 0)
        assert said.code == 2
        assert "temperature: 0 is outside 0.01..1000" in said.err
        assert "Nothing to score" not in said.err
