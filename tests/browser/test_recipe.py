"""A recipe in a real browser: shown as it was measured; started, killed, resumed, changed."""

import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote, urlencode

import pytest

from kdcore.experiments import pipeline as recipes
from kdcore.workspace import Workspace
from tests.experiments.planned import some_pairs

expect = pytest.importorskip("playwright.sync_api").expect

MODELS = {
    "models.teacher": "bert:layers=1,hidden=16,heads=2,vocabulary=200",
    "models.student": "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=200",
}
FEW = {f"{stage}.training.epochs": "2" for stage in ("student_labels", "student_log", "student")}
PATIENCE = 240_000  # ms for a stage of some steps on a busy machine


def address(**settings: str) -> str:
    """A link to the plan of a recipe on the invented pairs, whose models learn in a moment."""
    written = MODELS | FEW | settings
    text = ";".join(f"{path}={quote(value, safe=':,=')}" for path, value in written.items())
    return "recipe?" + urlencode({"v": "1", "rplan": "1", "rdata": "invented", "rset": text})


@pytest.fixture(scope="module")
def bench(serve, tmp_path_factory):
    """A server whose workspace has invented pairs with a log, and that workspace."""
    home = Workspace(tmp_path_factory.mktemp("bench"))
    some_pairs(log=24).save(home.data_folder("invented"))
    return serve(home.root), home


def finding(page):
    return page.locator(".st-key-finding")


def press(page, name: str) -> None:
    """Press a button by keyboard."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")


def start(page, home: Workspace) -> recipes.Pipeline:
    """Start the planned recipe; the pipeline that the link then names."""
    press(page, "Start the recipe")
    page.wait_for_url(re.compile(r"[?&]pipe=\d"), timeout=PATIENCE)
    return recipes.find(re.search(r"[?&]pipe=([^&]+)", page.url)[1], home)


def stage(pipeline: recipes.Pipeline, name: str) -> recipes.StageState:
    return next(each for each in recipes.state(pipeline).stages if each.name == name)


def until(page, holds: Callable[[], bool]) -> None:
    for _ in range(PATIENCE // 200):
        if holds():
            return
        page.wait_for_timeout(200)
    raise AssertionError("it did not come to that")


def at_work(page, pipeline: recipes.Pipeline, name: str, beyond: int = 0) -> int:
    """Wait until a stage has gone beyond a step; returns the step at which it is."""

    def works() -> bool:
        now = stage(pipeline, name)
        return now.state == "running" and now.step > beyond

    until(page, works)
    return stage(pipeline, name).step


def box(page, name: str):
    return page.locator(f'[data-stage="{name}"]')


def test_a_link_opens_a_finished_recipe_that_says_it_was_measured_before(visit, settle):
    page = visit("recipe?v=1&pipe=measured:adsbert-small-0")
    assert "measured before" in finding(page).inner_text()
    assert page.locator(".box").count() == 9
    assert page.locator(".st-key-chart_recipe_waterfall .barlayer .point").count() == 4
    box(page, "pretrain").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**rstage=pretrain**")
    settle(page)
    knobs = page.locator(".st-key-recipe_knobs input")
    assert knobs.count() > 2
    assert all(knob.is_disabled() for knob in knobs.all())
    page.get_by_role("button", name="Plan one like it").click()
    page.wait_for_url("**rplan=1**")
    expect(page.get_by_role("button", name="Start the recipe")).to_be_enabled()
    assert page.errors == []


@pytest.mark.slow
def test_a_killed_stage_and_a_killed_driver_go_on_and_a_changed_stage_runs_again(
    visit, settle, bench
):
    server, home = bench
    page = visit(address(**{"teacher.training.epochs": "1000"}), at=server)
    pipeline = start(page, home)
    settle(page)
    step = at_work(page, pipeline, "teacher", 20)
    expect(box(page, "teacher")).to_have_attribute("aria-label", re.compile(r"step [\d,]+ of"))
    os.kill(pipeline.runs()["teacher"].status().pid, signal.SIGKILL)  # the driver starts it again
    step = at_work(page, pipeline, "teacher", step)
    press(page, "Pause")
    resume = page.get_by_role("button", name="Resume", exact=True)
    expect(resume).to_be_enabled(timeout=PATIENCE)
    expect(finding(page)).to_contain_text("is paused", timeout=PATIENCE)
    expect(box(page, "teacher")).to_have_attribute("aria-label", re.compile("paused at step"))
    press(page, "Resume")
    at_work(page, pipeline, "teacher", step)
    os.kill(pipeline.driver().pid, signal.SIGKILL)
    expect(finding(page)).to_contain_text("has been interrupted", timeout=PATIENCE)
    press(page, "Resume")
    expect(finding(page)).to_contain_text("is finished: 5 of 5", timeout=PATIENCE)
    settle(page)
    before = pipeline.run_ids()
    assert page.locator(".st-key-chart_recipe_waterfall .barlayer .point").count() == 2

    box(page, "student").focus()
    page.keyboard.press("Enter")  # a box with a run opens it
    page.wait_for_url(re.compile("/runs"))
    page.get_by_text(before["student"]).first.wait_for()
    page.goto(f"{server}/recipe?v=1&pipe={pipeline.id}&rstage=student")
    settle(page)
    epochs = page.locator(".st-key-recipe_knobs").get_by_role("spinbutton", name="Epochs")
    epochs.fill("3")
    epochs.press("Enter")
    page.get_by_text("Run again: Student, label-aware").wait_for()
    press(page, "Run again from here")
    until(page, lambda: pipeline.run_ids().get("student", before["student"]) != before["student"])
    expect(finding(page)).to_contain_text("is finished: 5 of 5", timeout=PATIENCE)
    after = pipeline.run_ids()
    assert {name for name in before if before[name] != after[name]} == {"student"}
    assert page.errors == []


@pytest.mark.slow
def test_a_stage_killed_again_and_again_says_so_and_is_finished_when_tried_again(
    visit, settle, bench
):
    server, home = bench
    page = visit(address(**{"student_log.training.epochs": "1000"}), at=server)
    pipeline = start(page, home)

    def gives_up() -> bool:
        """Kill whatever process trains the stage now; whether the driver starts no other."""
        if stage(pipeline, "student_log").state == "running":
            with suppress(ProcessLookupError):
                os.kill(pipeline.runs()["student_log"].status().pid, signal.SIGKILL)
        return recipes.state(pipeline).state == "failed"

    until(page, gives_up)
    trouble = re.compile("Student on the log (was killed repeatedly|failed: could not be)")
    page.locator('[data-testid="stAlert"]', has_text=trouble).wait_for(timeout=PATIENCE)
    settle(page)
    assert stage(pipeline, "student").state == "waiting"
    press(page, "Try again")
    until(page, lambda: recipes.state(pipeline).state == "finished")
    expect(finding(page)).to_contain_text("is finished: 5 of 5", timeout=PATIENCE)
    assert page.errors == []
