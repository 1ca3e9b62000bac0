"""`python tests/benchmarks/watch.py [--quick]`: what watching costs, and how late a curve is.

Server CPU a poll, with one tab and with five, beside one full rerun of the Distill page in the
same server; and the time from a metric line in the file to its paint in Chromium (goal G9: 1 s).
Prints a table in Markdown; run it when nothing else runs.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlparse

import psutil
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from kdcore.workspace import Workspace  # noqa: E402
from tests.app.made_lab import Made, make_lab  # noqa: E402
from tests.benchmarks.browser import lab_command, serving  # noqa: E402
from tests.browser.chromium import FLAGS, find  # noqa: E402
from tests.browser.conftest import end_runs, settled  # noqa: E402
from tests.browser.learning import Learning  # noqa: E402

PACE = 0.6  # seconds between two polls of a tab, as in run_watch/poll.js


@dataclass(frozen=True)
class Effort:
    """How long is measured: seconds of polling, reruns of the page, lines of the file."""

    seconds: float
    reruns: int
    lines: int
    rest: int  # ms until what was begun before has surely ended


FULL, QUICK = Effort(20.0, 10, 30, 4000), Effort(1.0, 2, 2, 500)
# tells when a step was first painted: in the frame after the sentence changed
PAINTED = """() => {
  const inside = (n) => n.shadowRoot?.querySelector(".watch .finding");
  const node = [...document.querySelectorAll("*")].map(inside).find(Boolean);
  window.painted = {};
  new MutationObserver(() => requestAnimationFrame(() => {
    const step = node.textContent.match(/After ([\\d,]+) of/)?.[1].replace(",", "");
    window.painted[step] ??= Date.now() / 1000;
  })).observe(node, { childList: true, characterData: true, subtree: true });
}"""


class Tab(threading.Thread):
    """One browser tab, as far as the server knows: polls with its cursors until `until`."""

    def __init__(self, url: str, run: str, until: float) -> None:
        super().__init__()
        self.where, self.run_id, self.until, self.polls = urlparse(url), run, until, 0

    def run(self) -> None:
        """Poll, and remember what is known."""
        host = self.where.hostname or ""
        with closing(http.client.HTTPConnection(host, self.where.port)) as link:
            self.poll(link)

    def poll(self, link: http.client.HTTPConnection) -> None:
        """Ask at the part's pace, with what is known so far."""
        after, moment, tag = "0", "", ""
        while time.monotonic() < self.until:
            query = urlencode({"after": after, "moment": moment, "twin": "0", "twin_moment": ""})
            headers = {"If-None-Match": tag} if tag else {}
            link.request("GET", f"/kd/live/{self.run_id}?{query}", headers=headers)
            answer = link.getresponse()
            body = answer.read()
            tag, self.polls = "", self.polls + 1
            if answer.status == 304:
                tag = headers["If-None-Match"]
            else:
                got = json.loads(body)
                after = got["student"]["next"]
                moment = str(got["moments"][-1]["step"]) if got["moments"] else moment
            time.sleep(PACE)


def cpu(server: psutil.Process) -> float:
    """Seconds of processor time that the server took so far."""
    times = server.cpu_times()
    return float(times.user + times.system)


def server_of(url: str) -> psutil.Process:
    """The process that listens there; it is a child of this one."""
    port = urlparse(url).port
    for child in psutil.Process().children(recursive=True):
        if any(c.laddr and c.laddr.port == port for c in child.net_connections("inet")):
            return child
    raise RuntimeError(f"nobody listens at {url}")


def idling(url: str, seconds: float) -> float:
    """Share of a core that the server takes when nobody is there."""
    server = server_of(url)
    before = cpu(server)
    time.sleep(seconds)
    return (cpu(server) - before) / seconds


def polling(url: str, run: Learning, tabs: int, idle: float, seconds: float) -> tuple[float, float]:
    """(ms of server CPU a poll, share of a core) above idle, at two new lines a second."""
    server, until = server_of(url), time.monotonic() + seconds
    before, began = cpu(server), time.monotonic()
    watching = [Tab(url, run.folder.name, until) for _ in range(tabs)]
    for tab in watching:
        tab.start()
    step = run.record.step
    while time.monotonic() < until:
        step += 1
        run.line(step)
        run.stand(step=step)
        time.sleep(0.5)
    for tab in watching:
        tab.join()
    lasted = time.monotonic() - began
    spent = cpu(server) - before - idle * lasted
    return 1000 * spent / sum(tab.polls for tab in watching), spent / lasted


def rerunning(page: Page, url: str, reruns: int) -> float:
    """Seconds of server CPU of one full rerun: between the form and its YAML."""
    server, names = server_of(url), ("YAML", "Form")
    before = 0.0
    for turn in range(reruns + 2):
        if turn == 2:  # the first of each fills caches
            before = cpu(server)
        page.get_by_role("radio", name=names[turn % 2]).click()
        settled(page)
    return (cpu(server) - before) / reruns


def lags(page: Page, run: Learning, lines: int) -> list[float]:
    """Seconds from a line in the file to the frame that shows it."""
    page.evaluate(PAINTED)
    written = {}
    for _ in range(lines):
        step = run.record.step + 1
        run.stand(step=step)
        run.line(step)
        written[str(step)] = time.time()
        page.wait_for_timeout(1100 + 37 * (step % 7))
    painted = page.evaluate("window.painted")
    return [painted[step] - at for step, at in written.items() if step in painted]


def figures(chromium: Browser, url: str, run: Learning, effort: Effort) -> list[str]:
    """The table's lines: a run is watched at an address, its page run again, its state polled."""
    run.stand(total_steps=2000)
    for step in range(1, 201):
        run.line(step)
    for step in range(10, 210, 10):
        run.moment(step, step / 200)
    run.stand(step=200)
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{url}/distill?v=1&run={run.folder.name}")
    page.wait_for_function("() => window.kdFilms?.size")
    settled(page)
    late = lags(page, run, effort.lines)
    run.stand(state="stopped", ended=time.time())  # nothing polls while the page is rerun
    page.locator(".st-key-finding").get_by_text("is paused").wait_for()
    settled(page)
    page.wait_for_timeout(effort.rest)
    rerun = rerunning(page, url, effort.reruns)
    page.goto("about:blank")
    page.wait_for_timeout(effort.rest)
    idle = idling(url, effort.seconds)
    run.stand(state="running", ended=None)
    polls = {tabs: polling(url, run, tabs, idle, effort.seconds) for tabs in (1, 5)}
    run.stand(state="stopped", ended=time.time())
    page.close()
    lines = ["| what | measured |", "| --- | ---: |"]
    lines.append(f"| line in the file to paint, median | {statistics.median(late):.2f} s |")
    lines.append(f"| line in the file to paint, worst of {len(late)} | {max(late):.2f} s |")
    lines.append(f"| server CPU, one full rerun of the page | {1000 * rerun:.0f} ms |")
    for tabs, (poll, core) in polls.items():
        lines.append(f"| server CPU a poll, {tabs} tab{'s' * (tabs > 1)} | {poll:.1f} ms |")
        lines.append(f"| the same, of one rerun | 1/{1000 * rerun / poll:.0f} |")
        lines.append(f"| share of a core, {tabs} tab{'s' * (tabs > 1)} | {100 * core:.1f} % |")
    return lines


def main() -> None:
    """Measure all, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds; its figures mean nothing")
    effort = QUICK if parser.parse_args().quick else FULL
    folder = Path(tempfile.mkdtemp(prefix="kdlab-watch-"))
    make_lab(folder / "demo", Made())
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("KDLAB_DEMO", str(folder / "demo"))
        with serving(lab_command(), str(folder / "home")) as url:
            chromium = playwright.chromium.launch(executable_path=find(), args=FLAGS)
            lines = figures(chromium, url, Learning(folder, "learning"), effort)
            chromium.close()
    end_runs(Workspace(folder / "home"))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
