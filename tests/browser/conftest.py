"""A real browser on a real server: one of each for all browser tests of a process."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
from kdcore.config import ModelConfig  # noqa: E402
from kdcore.experiments.estimate.throughput import (  # noqa: E402
    Throughput,
    add,
    as_text,
    family_of,
)
from kdcore.runs.queue import control, queue  # noqa: E402
from kdcore.runs.store import RunStore  # noqa: E402
from kdcore.workspace import Workspace  # noqa: E402
from tests.app.made_lab import Made, make_lab  # noqa: E402
from tests.browser.chromium import FLAGS, find  # noqa: E402

ROOT = Path(__file__).parents[2]
PATIENCE = 180_000  # ms; a busy machine answers late, and nothing here is timed
sync_api.expect.set_options(timeout=PATIENCE)

FILES = "http://files.test"  # an address that open_module answers itself
SCRIPT = "text/javascript"
# whether the page has stood still for some ms, seen without a gap since this call; its address
# is that of what it shows once the address part, whose code comes late, has ended a run
STILL = """([call, quiet]) => {
  const ready = '[data-testid="stMainBlockContainer"] h1';
  const app = '[data-testid="stApp"][data-test-script-state="notRunning"]';
  const late = '[data-testid="stSkeleton"]';  // an element whose code is still on its way
  const failed = '[data-testid="stException"]';  // such a run has no end
  const now = performance.now();
  const still = document.querySelector(app) && document.querySelector(ready)
    && !document.querySelector(late)
    && (window.kdAddress?.run || document.querySelector(failed));
  if (!still || window.kdSettling?.call !== call) window.kdSettling = { call, since: now };
  return still && now - window.kdSettling.since >= quiet;
}"""
QUIET = 250  # ms


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """The visitor's workspace of the shared server."""
    return of_known_speed(tmp_path_factory.mktemp("home"))


def of_known_speed(home: Path) -> Path:
    """A workspace on a machine whose speed is known, so that nothing is measured beside tests."""
    models = [ModelConfig(name=name) for name in ("bert", "twinbert_cos", "cdssm")]
    known = [
        Throughput(kind, "cpu", as_text(model), family_of(model), 128, 1, 2e7, 500.0)
        for model in models
        for kind in ("train", "score")
    ]
    add(Workspace(home), known)
    return home


@pytest.fixture(scope="session")
def serve(tmp_path_factory) -> Iterator[Callable[..., str]]:
    """serve(home, "--public") -> the address of a new server; all are stopped at the end."""
    started: list[subprocess.Popen[bytes]] = []
    homes: list[Path] = []

    def start(home: Path, *arguments: str) -> str:
        port = free_port()
        homes.append(home)
        log = (tmp_path_factory.mktemp("log") / "app.log").open("wb")
        env = os.environ | {"KDLAB_HOME": str(home), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "app", "--no-browser", "--port", str(port), *arguments]
        started.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log))
        log.close()
        url = f"http://127.0.0.1:{port}"
        wait_for_health(url, started[-1])
        return url

    yield start
    for child in started:
        child.terminate()
    for child in started:
        child.wait(timeout=20)
    for home in homes:
        end_runs(Workspace(home))


def end_runs(home: Workspace) -> None:
    """Stop what still runs or waits in a workspace, and its dispatcher: no orphan is left."""
    for run in RunStore(home.runs).list():
        if run.status().state in ("queued", "running"):
            control.pause(run, home, wait=True)
    if (pid := queue.dispatcher(home)) is not None:
        os.kill(pid, signal.SIGTERM)


def wait_for_health(url: str, child: "subprocess.Popen[bytes]") -> None:
    for _ in range(1200):
        assert child.poll() is None, "the app ended at once"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not come up")


@pytest.fixture(scope="session")
def server(serve, home) -> str:
    """The address of the app with an empty workspace of its own."""
    return serve(home)


@pytest.fixture(scope="session")
def story_root(tmp_path_factory) -> Path:
    """A folder with an invented story of 60 pairs and four grades; home/ lies beside its demo/."""
    root = tmp_path_factory.mktemp("story")
    make_lab(root / "demo", Made())
    return root


@pytest.fixture(scope="session")
def story(serve, story_root) -> str:
    """The address of a server that opens on the invented story."""
    with pytest.MonkeyPatch.context() as patch:  # for this server alone
        patch.setenv("KDLAB_DEMO", str(story_root / "demo"))
        return serve(of_known_speed(story_root / "home"))


@pytest.fixture(scope="session")
def browser():
    """Chromium, without a window."""
    path = find()
    if path is None and not os.environ.get("CI"):
        pytest.skip("no Chromium here; tests/browser/chromium.py tells how to get one")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


class Tab:
    """A page in a context of its own, used by some tests one after the other.

    What it has compiled stays compiled: a visit costs a third of one by a new page.
    """

    MOST = 25  # visits, after which it goes with the memory that it has gathered

    def __init__(self, browser) -> None:
        self.visits = 0
        self.context = browser.new_context(
            permissions=["clipboard-read", "clipboard-write"], accept_downloads=True
        )
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.page.errors.append(str(error)))
        self.page.on("websocket", lambda ws: ws.on("framesent", self.sends))

    def sends(self, frame) -> None:
        self.page.sent.append(frame)

    def begin(self, width: int, height: int, *, dark: bool, still: bool):
        """The page as a new visitor has it."""
        page, self.visits = self.page, self.visits + 1
        page.set_default_timeout(PATIENCE)
        page.set_viewport_size({"width": width, "height": height})
        motion = "reduce" if still else "no-preference"
        page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion=motion)
        page.mouse.move(0, 0)
        page.errors, page.sent = [], []  # sent: what the browser told the server, by message
        return page

    def leave(self) -> bool:
        """Go away from the app and forget what it stored; whether the tab can be used again."""
        try:
            server = "/".join(self.page.url.split("/")[:3])
            self.page.goto(f"{server}/_stcore/health", timeout=5_000)
            self.page.evaluate("localStorage.clear(); sessionStorage.clear()")
            fresh = self.visits < self.MOST
        except sync_api.Error:  # its server is gone, or the test closed it
            fresh = False
        if not fresh:
            self.context.close()
        return fresh


@pytest.fixture(scope="session")
def tabs() -> list[Tab]:
    """Tabs that stand ready for the next test."""
    return []


@pytest.fixture
def visit(browser, server, tabs):
    """visit("temperature?T=4", width=390, dark=True) -> a settled Playwright page.

    Each visit of a test has a tab of its own; still: a visitor who wants no motion.
    """
    used = []

    def go(path: str = "", *, width=1440, height=900, dark=False, still=False, at=None):
        used.append(tabs.pop() if tabs else Tab(browser))
        page = used[-1].begin(width, height, dark=dark, still=still)
        page.goto(f"{at or server}/{path}")
        settled(page)
        return page

    yield go
    tabs += [tab for tab in reversed(used) if tab.leave()]


@pytest.fixture(scope="module")
def open_module(browser):
    """open_module("app/parts/maths.js") -> a blank page where `m` is that module's exports.

    It and what it imports are read as they lie on the disk, as the modules of any browser are.
    """
    pages = []

    def give(route):
        file = ROOT / route.request.url.removeprefix(f"{FILES}/")
        route.fulfill(body=file.read_text() if file.is_file() else "", content_type=SCRIPT)

    def go(path: str):
        page = browser.new_page()
        pages.append(page)
        page.route(f"{FILES}/*.js", give)
        page.route(f"{FILES}/**/*.js", give)
        page.route(f"{FILES}/", lambda route: route.fulfill(body="", content_type="text/html"))
        page.goto(f"{FILES}/")
        page.evaluate("async (url) => { window.m = await import(url); }", f"{FILES}/{path}")
        return page

    yield go
    for page in pages:
        page.close()


@pytest.fixture
def settle():
    """settle(page): wait until the server has answered and the page stands still."""
    return settled


def settled(page) -> None:
    page.wait_for_function(STILL, arg=[time.monotonic(), QUIET], polling=50)
