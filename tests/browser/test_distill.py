"""A what-if in a real browser: a real training is launched, watched, judged, and taken back."""

import os
import re
import subprocess
import sys
from urllib.parse import quote, urlencode

import pytest

from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.browser.conftest import ROOT, end_runs, free_port, wait_for_health

expect = pytest.importorskip("playwright.sync_api").expect

TINY = {
    "data": "world:train=400,validation=200,test=200",
    "limit": "0",
    "student.name": "cdssm",
    "student.params.buckets": "300",
    "student.params.filters": "16",
    "student.params.semantic": "8",
    "training.epochs": "3",
    "training.replay_points": "6",
}
PATIENCE = 240_000  # ms for a training of some steps on a busy machine


def address(**more: str) -> str:
    """A link to a draft whose student learns in a moment, or with `epochs` more slowly."""
    settings = TINY | {"training.epochs": more.pop("epochs", TINY["training.epochs"])}
    text = ";".join(f"{path}={quote(value, safe=':,=')}" for path, value in settings.items())
    return "distill?" + urlencode({"v": "1", "settings": text, **more})


@pytest.fixture(scope="module")
def bench(serve, tmp_path_factory):
    """A server with a workspace of its own, and that workspace."""
    home = Workspace(tmp_path_factory.mktemp("bench"))
    return serve(home.root), home


def start(page, settle) -> str:
    """Press Start; the id of the student's run, as the link says it."""
    page.locator(".st-key-distill_start button").click()
    page.wait_for_url(re.compile(r"[?&]run=\d"), timeout=60_000)
    settle(page)
    return re.search(r"[?&]run=([^&]+)", page.url)[1]


def states(home: Workspace) -> dict[str, str]:
    return {run.id: run.status().state for run in RunStore(home.runs).list()}


def learning(page, home: Workspace, run: str, beyond: int = 0) -> int:
    """Wait until a run has gone beyond a step; returns the step at which it is."""
    for _ in range(PATIENCE // 200):
        status = RunStore(home.runs).get(run).status()
        if status.stage in ("distill", "finetune") and status.step > beyond:
            return status.step
        page.wait_for_timeout(200)
    raise AssertionError(f"{run} is {status}")


def finding(page):
    return page.locator(".st-key-finding")


def test_a_student_and_its_twin_are_launched_watched_and_judged(visit, settle, bench):
    server, home = bench
    page = visit(address(), at=server)
    run = start(page, settle)
    expect(page.locator(".st-key-distill_watched")).to_be_in_viewport()
    verdict = re.compile("BETTER|INCONCLUSIVE")
    expect(finding(page)).to_contain_text(verdict, timeout=PATIENCE)
    settle(page)
    assert set(states(home).values()) == {"finished"}
    assert len(states(home)) == 2
    assert page.locator(".st-key-distill_judge").count()
    assert page.locator(f".st-key-run_watch_{run}").count()
    assert page.errors == []
    page.locator('[class*="st-key-next_"] button').first.click()
    settle(page)
    assert run in page.url
    assert page.locator(".st-key-distill_changed").count()
    assert len(states(home)) == 2  # a suggestion fills the form and starts nothing


@pytest.mark.slow
def test_a_teacher_is_trained_by_keyboard_and_then_teaches_in_the_form(visit, settle, bench):
    server, home = bench
    tiny = "limit=200;model.params.layers=1;model.params.hidden=16;model.params.heads=2"
    tiny += ";model.params.vocabulary=300;training.epochs=2;training.replay_points=2"
    page = visit(address(tset=tiny), at=server)
    page.get_by_role("button", name="Train a teacher").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Start the teacher").wait_for()
    page.get_by_role("button", name="Start the teacher").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"[?&]tnew=\d"), timeout=60_000)
    teacher = re.search(r"[?&]tnew=([^&]+)", page.url)[1]
    expect(page.locator(f".st-key-run_watch_{teacher}")).to_be_attached(timeout=60_000)
    expect(finding(page)).to_contain_text("the teacher is trained", timeout=PATIENCE)
    settle(page)
    assert RunStore(home.runs).get(teacher).status().state == "finished"
    assert "tnew=" not in page.url
    expect(page.get_by_role("combobox", name=re.compile("Run that teaches"))).to_have_value(
        re.compile("Teacher BERT-1")
    )
    assert page.errors == []


@pytest.mark.slow
def test_a_teacher_is_paused_resumed_and_stopped_and_back_opens_its_form_again(
    visit, settle, bench
):
    server, home = bench
    long = "limit=300;model.params.layers=1;model.params.hidden=16;model.params.heads=2"
    long += ";model.params.vocabulary=300;training.epochs=900;training.replay_points=2"
    page = visit(address(tform="1", tset=long), at=server)
    page.get_by_role("button", name="Start the teacher").click()
    page.wait_for_url(re.compile(r"[?&]tnew=\d"), timeout=60_000)
    settle(page)
    teacher = re.search(r"[?&]tnew=([^&]+)", page.url)[1]
    learning(page, home, teacher)
    page.go_back()
    page.get_by_role("button", name="Start the teacher").wait_for()
    assert "tnew=" not in page.url
    page.go_forward()
    page.get_by_text("becomes the teacher once it is trained").wait_for()
    settle(page)
    page.get_by_role("button", name="Pause").click(timeout=PATIENCE)
    page.get_by_text("Paused at step").wait_for(timeout=PATIENCE)
    assert states(home)[teacher] == "stopped"
    paused = RunStore(home.runs).get(teacher).status().step
    page.get_by_role("button", name="Resume").click()
    learning(page, home, teacher, paused)
    page.get_by_role("button", name="Stop and keep").click(timeout=PATIENCE)
    expect(finding(page)).to_contain_text("the teacher is trained", timeout=PATIENCE)
    settle(page)
    assert states(home)[teacher] == "finished"
    expect(page.get_by_role("combobox", name=re.compile("Run that teaches"))).to_have_value(
        re.compile("Teacher BERT-1")
    )
    assert page.errors == []


@pytest.mark.slow
def test_by_keyboard_a_run_is_launched_and_cancelled_and_the_twin_leaves_the_line(
    visit, settle, bench
):
    server, home = bench
    before = set(states(home))
    page = visit(address(epochs="400"), at=server)
    page.locator(".st-key-distill_start button").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"[?&]run=\d"), timeout=60_000)
    settle(page)
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    page.get_by_role("button", name="Discard").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Discard").wait_for(state="detached", timeout=60_000)
    page.get_by_text("No runs are running or queued").wait_for()
    assert set(states(home)) == before


@pytest.mark.slow
def test_pause_resume_and_stop_and_keep_lead_to_a_finished_student(visit, settle, bench):
    server, home = bench
    page = visit(address(epochs="900", alone="0"), at=server)
    run = start(page, settle)
    learning(page, home, run)
    page.get_by_role("button", name="Pause").click(timeout=PATIENCE)
    page.get_by_text("Paused at step").wait_for(timeout=PATIENCE)
    assert states(home)[run] == "stopped"
    paused = RunStore(home.runs).get(run).status().step
    page.get_by_role("button", name="Resume").click()
    learning(page, home, run, paused)
    page.get_by_role("button", name="Stop and keep").click(timeout=PATIENCE)
    expect(finding(page)).not_to_contain_text("is at step", timeout=PATIENCE)
    page.get_by_text("No runs are running or queued").wait_for(timeout=PATIENCE)
    assert states(home)[run] == "finished"
    assert not page.errors


@pytest.mark.slow
def test_a_closed_tab_loses_nothing_and_a_page_without_the_link_finds_the_run(visit, settle, bench):
    server, home = bench
    page = visit(address(epochs="400", alone="0"), at=server)
    run = start(page, settle)
    page.context.close()
    again = visit("distill", at=server)
    again.wait_for_url(re.compile(f"run={run}"))
    assert again.locator(f".st-key-run_watch_{run}").count()
    again.get_by_role("button", name="Discard").click(timeout=PATIENCE)
    again.get_by_text("No runs are running or queued").wait_for(timeout=PATIENCE)
    assert run not in states(home)


@pytest.mark.slow
def test_the_second_visitor_waits_in_line_sees_his_place_and_harms_nobody(visit, settle, bench):
    server, home = bench
    one = visit(address(epochs="400", alone="0"), at=server)
    first = start(one, settle)
    other = visit(address(epochs="2", alone="0", preset="classroom_cpu"), at=server)
    second = start(other, settle)
    assert first != second
    other.get_by_text(re.compile(r"Number 1 in line")).wait_for(timeout=PATIENCE)
    one.get_by_role("button", name="Discard").click(timeout=PATIENCE)
    expect(finding(other)).to_contain_text(re.compile("NO TWIN|twin|finished"), timeout=PATIENCE)
    other.get_by_text("No runs are running or queued").wait_for(timeout=PATIENCE)
    assert states(home)[second] == "finished"
    assert first not in states(home)


@pytest.mark.slow
def test_a_run_and_its_queue_outlive_the_server(visit, settle, tmp_path):
    home, port = Workspace(tmp_path / "home"), free_port()

    def serve() -> "subprocess.Popen[bytes]":
        env = os.environ | {"KDLAB_HOME": str(home.root), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "app", "--no-browser", "--port", str(port)]
        child = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_health(f"http://127.0.0.1:{port}", child)
        return child

    child = serve()
    try:
        page = visit(address(epochs="40"), at=f"http://127.0.0.1:{port}")
        run = start(page, settle)
        page.context.close()
        child.kill()
        child.wait()
        child = serve()
        again = visit(f"distill?v=1&run={run}", at=f"http://127.0.0.1:{port}")
        expect(finding(again)).to_contain_text(
            re.compile("BETTER|INCONCLUSIVE|PRELIMINARY"), timeout=PATIENCE
        )
        again.get_by_text("No runs are running or queued").wait_for(timeout=PATIENCE)
        assert set(states(home).values()) == {"finished"}
    finally:
        child.terminate()
        child.wait(timeout=20)
        end_runs(home)


@pytest.mark.slow
def test_a_student_learns_from_shards_that_were_chosen_on_the_page(visit, settle, serve, tmp_path):
    data = TINY["data"] + ",log=800"
    command = ["infer", "demo:bert-kd", "--data", data, "--split", "log", "--on", "local"]
    home = Workspace(tmp_path)
    subprocess.run(
        [sys.executable, "-m", "kdcore", *command, "--shard-rows", "300"],
        cwd=ROOT, env=os.environ | {"KDLAB_HOME": str(home.root)}, check=True,
    )  # fmt: skip
    page = visit(address(), at=serve(home.root))
    page.get_by_role("radio", name="Stored shards").click()
    settle(page)
    assert "from_shards" in page.url
    run = start(page, settle)
    expect(finding(page)).to_contain_text(re.compile("BETTER|INCONCLUSIVE|WORSE"), timeout=PATIENCE)
    student = RunStore(home.runs).get(run)
    assert student.status().state == "finished"
    assert student.config.from_shards
