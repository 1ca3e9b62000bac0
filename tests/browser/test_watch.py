"""A run is watched as it learns: the picture follows its files, and no page is run again."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from kdcore.config import PretrainConfig, to_dict
from kdcore.runs.metric_lines import METRICS
from kdcore.workspace import write_json_atomic
from tests.browser.conftest import ROOT, free_port, wait_for_health
from tests.browser.learning import Learning


@pytest.fixture
def start(story_root):
    """start(port) -> a server of its own on that port; all are stopped at the end."""
    children = []

    def on(port: int) -> "subprocess.Popen[bytes]":
        env = os.environ | {
            "KDLAB_DEMO": str(story_root / "demo"),
            "KDLAB_HOME": str(story_root / "home"),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "app", "--no-browser", "--port", str(port)]
        children.append(subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL))
        wait_for_health(f"http://127.0.0.1:{port}", children[-1])
        return children[-1]

    yield on
    for child in children:
        child.terminate()
        child.wait(timeout=20)


@pytest.fixture
def run(story_root, request):
    """A run that has just begun to learn; over when its test is, else every page follows it."""
    learning = Learning(story_root, re.sub(r"\W+", "-", request.node.name)[5:70].strip("-"))
    yield learning
    learning.stand(state="stopped", ended=time.time())


def watched(visit, story, run, more="", **options):
    page = visit(f"distill?v=1&run={run.folder.name}{more}", at=story, **options)
    page.wait_for_function("() => window.kdFilms?.size")
    return page


def finding(page):
    return page.locator(".watch .finding")


def told_the_page(page) -> list[bytes]:
    """Messages by which the part made the page run again; the queue beside it has its own."""
    return [frame for frame in page.sent if b"watch_" in frame]


def first_height(page) -> float:
    return float(page.locator(".pair .bar.student").first.get_attribute("height"))


def test_the_picture_follows_the_files_and_no_page_is_run_again(visit, story, run):
    page = watched(visit, story, run)
    expect(finding(page)).to_have_text("The first steps.")
    assert page.locator(".pair.waiting").count() == 20
    run.line(5)
    expect(finding(page)).to_contain_text("After 5 of 80 steps")
    expect(page.locator(".curve").first).to_contain_text("soft 1 × 0.500 + hard 0.1 × 1.000")
    title = page.locator(".curve .title").first  # it never runs into the next picture
    expect(title).to_have_text("Loss 0.600")
    run.moment(5, 0.1)
    expect(page.locator(".pair .bar.student").first).to_be_attached()
    early = first_height(page)
    run.moment(9, 1.0)
    run.line(9, validation_nll=0.9, validation_roc_auc=0.75, kept_step=9, validation_pairs=50)
    expect(finding(page)).to_contain_text("ROC-AUC 0.750 on 50 validation pairs")
    expect(finding(page)).to_contain_text("agrees with its teacher on 100 % of 10 probe pairs")
    assert first_height(page) != early
    assert told_the_page(page) == []
    assert page.errors == []


@pytest.mark.slow
def test_lines_that_a_resumed_run_writes_anew_replace_the_old_ones(visit, story, run):
    run.line(5)
    run.line(10)
    page = watched(visit, story, run)
    expect(finding(page)).to_contain_text("After 10 of 80")
    (run.folder / METRICS).write_text("")
    run.line(5)
    expect(finding(page)).to_contain_text("After 5 of 80")


def test_the_page_runs_again_at_the_end_and_nothing_is_asked_after(visit, story, run, settle):
    run.line(5)
    run.moment(5, 1.0)
    page = watched(visit, story, run)
    expect(finding(page)).to_contain_text("After 5 of 80")
    looks = []
    page.on("request", lambda request: looks.append(request.url) if is_look(request) else None)
    run.stand(state="finished", step=80, stage="evaluate", ended=time.time())
    expect(page.locator(".watch .state")).to_contain_text("Finished")
    judged = page.locator(".st-key-distill_watched").get_by_text("has no predictions on test pairs")
    judged.wait_for()  # only a page that runs again judges; the part or the queue asked for it
    for _ in range(20):  # a busy machine answers the last look late
        settle(page)
        before = len(looks), len(told_the_page(page))
        page.wait_for_timeout(2500)  # longer than from one look to the next
        if (len(looks), len(told_the_page(page))) == before:
            return
    raise AssertionError(f"looks and messages went on and on: {before}")


def is_look(request) -> bool:
    """Whether the part asks the server how the run stands."""
    return "/kd/live/" in request.url


def test_a_finished_run_is_replayed_by_keyboard_and_the_link_keeps_the_moment(
    visit, story, run, settle
):
    for step, sure in ((5, 0.1), (10, 0.5), (20, 1.0)):
        run.line(step)
        run.moment(step, sure)
    run.stand(state="finished", step=20, total_steps=20, ended=time.time())
    page = watched(visit, story, run)
    slider = page.get_by_label("Moment of training")
    expect(slider).to_have_value("2")
    end = first_height(page)
    slider.focus()
    page.keyboard.press("Home")
    expect(finding(page)).to_contain_text("After 5 of 20")
    assert first_height(page) != end
    page.keyboard.press("ArrowRight")
    expect(finding(page)).to_contain_text("After 10 of 20")
    expect(slider).to_have_attribute("aria-valuetext", "step 10 of 20")
    page.wait_for_url(re.compile("wstep=10"))
    page.locator(".extra button", has_text="NLL").click()
    page.wait_for_url(re.compile("wmetric=nll"))
    settle(page)
    again = visit(page.url.split("/", 3)[3], at=story)
    expect(finding(again)).to_contain_text("After 10 of 20")
    expect(again.locator(".extra button", has_text="NLL")).to_have_attribute("aria-pressed", "true")


@pytest.mark.slow
def test_play_goes_through_the_training_to_its_end(visit, story, run):
    for step in (5, 10, 20):
        run.line(step)
    run.stand(state="finished", step=20, total_steps=20, ended=time.time())
    page = watched(visit, story, run, "&wstep=5")
    expect(finding(page)).to_contain_text("After 5 of 20")
    page.get_by_role("button", name="Play").click()
    expect(finding(page)).to_contain_text("After 20 of 20")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


@pytest.mark.slow
def test_what_is_saved_is_what_stands_on_the_screen_now(visit, story, run):
    run.line(5)
    page = watched(visit, story, run)
    expect(finding(page)).to_contain_text("After 5 of 80")
    run.line(10)
    expect(finding(page)).to_contain_text("After 10 of 80")
    with page.expect_download() as saved:
        page.locator(".tools").get_by_role("button", name="CSV").last.click()
    text = Path(saved.value.path()).read_text()
    assert text.startswith("step,loss,")
    assert f"run={run.folder.name}" in text.splitlines()[1]
    assert text.splitlines()[-1].startswith("10,0.6,0.5,0.1")


@pytest.mark.slow
def test_a_watcher_outlives_the_server_and_goes_on_by_itself(visit, start, run):
    port = free_port()
    server = start(port)
    run.line(5)
    page = watched(visit, f"http://127.0.0.1:{port}", run)
    expect(finding(page)).to_contain_text("After 5 of 80")
    server.terminate()
    server.wait(timeout=20)
    trouble = page.locator(".watch .trouble")
    expect(trouble).to_contain_text("The lab does not answer. Trying again in")
    run.line(10)
    start(port)
    expect(finding(page)).to_contain_text("After 10 of 80")
    expect(trouble).to_be_hidden()


@pytest.mark.slow
def test_a_pretraining_shows_what_it_has_and_nothing_of_grades(visit, story, run, settle):
    write_json_atomic(run.folder / "config.json", to_dict(PretrainConfig()))
    seen = {"loss": 4.0, "masked": 3.3, "next_ad": 0.7, "words": 700.0}
    seen |= {"masked_accuracy": 0.25, "next_ad_accuracy": 0.75}
    run.line(5, loss=4.5, masked=3.8, next_ad=0.7)
    run.line(5, kept_step=5, **{f"validation_{key}": value for key, value in seen.items()})
    page = watched(visit, story, run)
    expect(finding(page)).to_contain_text("the pretraining has Hidden-word loss 3.300 on 700")
    page.locator(".extra button", has_text="Next ads right").click()
    expect(finding(page)).to_contain_text("Next ads right 0.750")
    page.wait_for_url(re.compile("rpretrain=next_ad_accuracy"))
    settle(page)
    shown = page.locator(".kd.watch").inner_text()
    for absent in ("ROC-AUC", "NLL", "Gap recovered", "Agreement", "pinned pairs"):
        assert absent not in shown, absent
    assert page.errors == []
