"""The lesson at the bottom of a page: offered everywhere, explained after the act, summed up."""

from app.shell.lessons import lesson, lessons
from tests.app.made_lab import Made, make_lab
from tests.app.visitor import texts, visit


def test_every_lesson_is_offered_in_the_navigation_and_on_start():
    keys = [button.key for button in visit("start").button]
    for each in lessons().values():
        assert f"lesson_offer_{each.name}" in keys
    assert {"door_lesson", "door_distill_lesson"} <= set(keys)


def test_a_lesson_opens_on_the_bundled_data_and_closing_it_returns_to_the_visitors_own(
    tmp_path, monkeypatch
):
    make_lab(tmp_path, Made(bare=True), name="mine")
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))
    app = visit("start", data="mine")
    assert app.session_state["kd_state"].data_set == "mine"
    app.button(key="lesson_offer_soft-labels").click().run()
    assert app.session_state["kd_state"].data_set == "world"
    app.button(key="lesson_close").click().run()
    assert app.session_state["kd_state"].data_set == "mine"
    assert app.session_state["kd_state"].lesson == ""


def test_the_sentence_on_what_was_seen_waits_for_the_act():
    step = lesson("soft-labels").steps[0]
    before = visit("start", lesson="soft-labels", step="0", T="1")
    assert step.text in texts(before)
    assert step.seen not in texts(before)
    after = visit("start", lesson="soft-labels", step="0", T="4")
    assert step.seen in texts(after)
    assert after.button(key="lesson_next").label == "Next"


def test_a_lesson_ends_with_three_takeaways_and_the_next_lesson():
    taught = lesson("soft-labels")
    app = visit("start", lesson="soft-labels", step=str(len(taught.steps)))
    assert all(takeaway in texts(app) for takeaway in taught.takeaways)
    assert lesson(taught.next).title in app.button(key="lesson_next").label
    app.button(key="lesson_close").click().run()
    assert app.session_state["kd_state"].lesson == ""


def test_the_last_step_on_a_student_of_your_own_keeps_your_finished_run(tmp_path, monkeypatch):
    """A visitor's own result was replaced by the bundled student, and the form by its settings."""
    make_lab(tmp_path, Made(bare=True), name="mine")
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))
    settings = "method.params.temperature=4"
    bundled = lesson("distill").steps[3].state().distill.run
    for run, then in (("student-kd", "student-kd"), ("unknown", bundled)):
        app = visit("start", lesson="distill", step="2", run=run, settings=settings)
        app.button(key="lesson_next").click().run()
        now = app.session_state["kd_state"]
        assert (now.lesson_step, now.distill.run) == (3, then)
        assert now.distill.settings == (settings if run == then else "")
