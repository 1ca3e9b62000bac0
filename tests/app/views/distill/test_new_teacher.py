"""A teacher is trained from the form: its settings, its start, and what it does afterwards."""

import time
from dataclasses import replace

import pytest

from app import services
from app.services import access
from app.services.links import decode
from app.views.distill.queries import cost
from app.views.distill.queries.cost import Cost
from kdcore.config import FinetuneConfig
from kdcore.experiments.teachers import TEACHER_PRESETS, config_of
from kdcore.runs.queue import queue
from kdcore.runs.record import Record, message_fields
from kdcore.runs.store import RunStore
from tests.app.opening import finding, sent
from tests.app.views.distill.acting import ONE_MINUTE, knob, page
from tests.app.visitor import button, choices, press, texts


@pytest.fixture(autouse=True)
def estimated(monkeypatch) -> None:
    """The estimates are given, as measuring takes time."""
    monkeypatch.setattr(cost, "cost", lambda config, train_twin: Cost(why="not measured"))
    estimate = replace(ONE_MINUTE, teacher_cached=False)
    monkeypatch.setattr(cost, "teacher_cost", lambda config: Cost(estimate))


def settings(at) -> dict[str, str]:
    return decode(choices(at).distill.teacher_settings)


@pytest.mark.parametrize("preset", TEACHER_PRESETS)
def test_every_size_of_a_teacher_can_be_trained_as_it_stands(preset):
    assert config_of(preset).model.spec.startswith("bert")


def test_the_form_opens_by_its_button_and_its_changes_stand_in_the_link():
    at = press(page(), "distill_train_teacher")
    assert choices(at).distill.teacher_form
    assert "estimated from 2 runs like this" in texts(at)
    knob(at, "new.limit").set_value(500.0).run()
    knob(at, "new.training.epochs").set_value(3.0).run()
    assert settings(at) == {"limit": "500", "training.epochs": "3"}
    knob(at, "new.limit").set_value(4000.0).run()
    assert settings(at) == {"training.epochs": "3"}
    knob(at, "new.model.name").set_value("cdssm").run()
    assert not at.exception
    assert "--model cdssm" in "".join(code.value for code in at.code)


def test_a_start_from_a_run_takes_its_shape_and_names_no_folder():
    at = page(tform="1")
    knob(at, "new.model.start_from").set_value("teacher").run()
    assert not at.exception
    assert settings(at)["model.start_from"] == "teacher"
    teacher = RunStore(access.demo().runs).get("teacher").config
    assert isinstance(teacher, FinetuneConfig)
    vocabulary = knob(at, "new.model.params.vocabulary").value
    assert vocabulary == teacher.model.params.vocabulary
    assert not button(at, "distill_start_teacher").disabled
    knob(at, "new.model.start_from").set_value("").run()
    assert "model.start_from" not in settings(at)


def test_data_that_a_link_names_are_those_of_the_lab():
    at = page(tform="1", tset="data=/etc/passwd")
    assert "no data set here is called '/etc/passwd'" in texts(at)
    assert button(at, "distill_start_teacher").disabled


def test_a_started_teacher_waits_in_the_queue_and_teaches_once_it_is_finished(home, demo_model):
    at = press(page(tform="1", tset="limit=500"), "distill_start_teacher")
    (run,) = RunStore(home.runs).list()
    assert [entry.run_id for entry in queue.waiting(home)] == [run.id]
    assert isinstance(run.config, FinetuneConfig)
    assert (run.config.limit, run.role, run.purpose.estimate["seconds"]) == (500, "teacher", 60.0)
    assert (choices(at).distill.run, choices(at).distill.awaited) == (run.id, run.id)
    assert "becomes the teacher once it is trained" in texts(at)
    assert finding(at) == "The teacher is queued or just starting."
    assert sent(at, "run_watch")["subject"] == "teacher"
    demo_model(run)
    at.run()
    assert not at.exception
    assert (choices(at).distill.awaited, knob(at, "teacher").value) == ("", run.id)
    assert "the teacher is trained: ROC-AUC" in texts(at)
    assert "It teaches in the form below" in texts(at)


@pytest.fixture
def demo_model(home):
    """Finishes a run with the model and the answers of the bundled teacher."""

    def finish(run) -> None:
        bundled = RunStore(services.demo().runs).get("teacher")
        for name in ("model", "predictions"):
            (run.folder / name).symlink_to(bundled.folder / name)
        queue.leave(run, home)
        Record(state="finished", title=run.title, created=time.time(), step=3).write(run.folder)
        services.sources.clear()

    return finish


@pytest.mark.slow
def test_a_teacher_that_is_not_awaited_can_still_be_let_teach(home, demo_model):
    at = press(page(tform="1"), "distill_start_teacher")
    press(at, "distill_awaited_leave")
    (run,) = RunStore(home.runs).list()
    demo_model(run)
    at.run()
    assert knob(at, "teacher").value == "teacher"
    press(at, "distill_let_teach")
    assert knob(at, "teacher").value == run.id


@pytest.mark.slow
def test_a_failed_teacher_s_change_is_put_into_the_form(home):
    at = press(page(tform="1", tset="limit=500"), "distill_start_teacher")
    (run,) = RunStore(home.runs).list()
    queue.leave(run, home)
    end = message_fields("the memory was full", change={"training.batch_size": 16})
    Record(state="failed", title="A teacher", created=time.time(), **end).write(run.folder)
    at.run()
    mend = next(each for each in at.button if (each.key or "").startswith("mend_"))
    mend.click().run()
    assert not at.exception
    assert choices(at).distill.teacher_form
    assert settings(at) == {"limit": "500", "training.batch_size": "16", "data": "world"}


def test_a_public_showing_trains_no_teacher(home, monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    assert button(page(), "distill_train_teacher").disabled
    at = page(tform="1")
    assert button(at, "distill_start_teacher").disabled
    assert knob(at, "new.limit").disabled
