"""`python tests/benchmarks/browser.py [--quick]`: goals G1-G4 and G8, measured in Chromium.

The plain page (st.slider and Plotly) is measured in the same run on the same machine; read the
ratios. Prints a table in Markdown; run it when nothing else runs.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from tests.browser.chromium import FLAGS, find  # noqa: E402
from tests.browser.conftest import free_port, settled, wait_for_health  # noqa: E402

SCREEN = {"width": 1440, "height": 900}
RAIL = "input[type=range]:visible"
POINT = ".st-key-losses_plane button.point"
RAILS = {  # a page and what is dragged on it
    "T": ("temperature", f".st-key-temperature_rail {RAIL}"),
    "threshold": ("compare", f".st-key-chart_joint {RAIL}"),
    "k": ("ranking", f".st-key-density_picture {RAIL}"),
    "w": ("ranking?v=1&rtab=auction", f".st-key-auction_picture {RAIL}"),
    "plane: logits": ("losses", POINT),
    "plane: ads": ("losses?v=1&lview=ads&la=ranking&lb=ranking:loss=list_kl", POINT),
    "plane: vectors": ("losses?v=1&lview=vectors&la=feature&lb=relation", POINT),
}
PLANE = 160  # px that a point is dragged over, instead of a share of a rail
# counts the work of every animation frame, before any part asks for one
WATCH = """
window.work = []; window.frames_at = [];
const ask = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (act) => ask((at) => {
  const began = performance.now(); act(at); window.work.push(performance.now() - began);
});
const tick = (at) => { window.frames_at.push(at); ask(tick); }; ask(tick);
"""


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


@contextlib.contextmanager
def serving(command: list[str], home: str) -> Iterator[str]:
    port = free_port()
    env = os.environ | {"KDLAB_HOME": home, "OMP_NUM_THREADS": "1"}
    command = [part.replace("PORT", str(port)) for part in command]
    child = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        wait_for_health(f"http://127.0.0.1:{port}", child)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait(timeout=20)


def lab_command() -> list[str]:
    return [sys.executable, "-m", "app", "--no-browser", "--port", "PORT"]


def plain_command() -> list[str]:
    page = str(Path(__file__).with_name("plain_page.py"))
    options = ["--server.port", "PORT", "--server.headless", "true"]
    quiet = ["--browser.gatherUsageStats", "false", "--server.address", "127.0.0.1"]
    return [sys.executable, "-m", "streamlit", "run", page, *options, *quiet]


def drag(page: Page, place: str, moves: int) -> dict[str, float]:
    """Drag a rail from end to end, or a point, by mouse, 12 ms and more between two moves."""
    handle = page.locator(place).first
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    share, way = (0.3, box["width"] * 0.6) if place.endswith(RAIL) else (0.5, PLANE)
    start = box["x"] + box["width"] * share
    page.mouse.move(start, y)
    page.mouse.down()
    page.evaluate("window.work.length = 0; window.frames_at.length = 0")
    before = len(page.sent)
    for i in range(moves):
        page.mouse.move(start + way * abs(i % 100 - 50) / 50, y)
        page.wait_for_timeout(12)
    work, frames = page.evaluate("[window.work, window.frames_at]")
    during = len(page.sent) - before
    began = time.perf_counter()
    url = page.url
    page.mouse.up()
    with contextlib.suppress(Exception):
        page.wait_for_function("u => location.href !== u", arg=url, timeout=5000)
    answered = (time.perf_counter() - began) * 1000
    settled(page)
    gaps = [b - a for a, b in pairwise(frames)]
    return {
        "work_p50": quantile(work, 0.5),
        "work_p95": quantile(work, 0.95),
        "frame_p95": quantile(gaps, 0.95),
        "fps": 1000 / statistics.mean(gaps),
        "messages": during,
        "release_ms": answered,
    }


def key_to_paint(page: Page, presses: int) -> list[float]:
    """The plain page: a key on the slider until Plotly's bars have changed, ms."""
    page.locator('[data-testid="stSlider"] input, [role="slider"]').first.focus()
    told = []
    for _ in range(presses):
        page.evaluate("""() => {
          const plot = document.querySelector('.js-plotly-plot');
          const began = performance.now();
          window.changed = new Promise((done) => {
            const watch = new MutationObserver(() => {
              watch.disconnect();
              done(performance.now() - began);
            });
            watch.observe(plot, {subtree: true, childList: true, characterData: true});
          });
        }""")
        page.keyboard.press("ArrowRight")
        told.append(page.evaluate("window.changed"))
        page.wait_for_timeout(250)
    return told


def visit_ms(context, url: str, ready: str) -> tuple[float, float, Page]:
    """First and warm visit until `ready` shows, ms; of a fresh browser profile, then its cache.

    The page of the warm visit comes back open.
    """
    times = []
    for _ in range(2):
        page = context.new_page()
        began = time.perf_counter()
        page.goto(url)
        page.wait_for_selector(ready, timeout=60_000)
        times.append((time.perf_counter() - began) * 1000)
        if len(times) < 2:
            page.close()
    return times[0], times[1], page


def watched(context, url: str, rest: int) -> Page:
    """A settled page after `rest` ms; pages of one context share what the browser compiled."""
    page = context.new_page()
    page.add_init_script(WATCH)
    page.sent = []
    page.on("websocket", lambda ws: ws.on("framesent", lambda frame: page.sent.append(frame)))
    page.goto(url)
    settled(page)
    page.wait_for_timeout(rest)
    return page


def filter_ms(context, url: str, clicks: int, rest: int) -> list[float]:
    """Compare: from choosing a tag to the new count in the top bar, ms."""
    page = watched(context, f"{url}/compare", rest)
    told = []
    for _ in range(clicks):
        option = page.locator(".st-key-filter_rail button").nth(3)
        before = page.url
        began = time.perf_counter()
        option.click()
        page.wait_for_function("u => location.href !== u", arg=before)
        told.append((time.perf_counter() - began) * 1000)
        settled(page)
    page.close()
    return told


def import_seconds(rounds: int) -> float:
    code = "import app.services, app.shell.frame, app.kit.controls, app.shell.save"
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        times.append(time.perf_counter() - began)
    return min(times)


def answers_ms(repeats: int) -> dict[str, float]:
    """G8: one edited ad, scored by student and teacher after warm-up, ms (p50 of `repeats`)."""
    code = (
        "import sys, statistics\nfrom app import services\n"
        "from app.services.models import score\n"
        "pairs = services.whole_data(services.data_choices()[0])\n"
        "for key in ('twinbert_cos-kd', 'teacher'):\n"
        "    run = services.model_run(key)\n"
        "    told = [score(run, [('red shoes', f'Red Shoes {i}', 'Free returns')], pairs)"
        f".milliseconds for i in range({repeats + 1})][1:]\n"
        "    print(key, statistics.median(told), file=sys.stderr)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stderr
    lines = [line.split() for line in told.splitlines() if len(line.split()) == 2]
    return {k: float(v) for k, v in lines if k in ("twinbert_cos-kd", "teacher")}


def lab_figures(browser: Browser, url: str, quick: bool) -> dict[str, Any]:
    """Visits, drags and a filter of the app at an address; quick: one rail alone is dragged."""
    rails = {"T": RAILS["T"]} if quick else RAILS
    rest = rest_ms(quick)
    ready = ".st-key-temperature_rail input[type=range]:visible"
    context = browser.new_context(viewport=SCREEN)
    first, warm, page = visit_ms(context, f"{url}/temperature", ready)
    page.close()
    dragged = {}
    for name, (path, place) in rails.items():
        page = watched(context, f"{url}/{path}", rest)
        dragged[name] = drag(page, place, 20 if quick else 150)
        page.close()
    filtered = filter_ms(context, url, 1 if quick else 10, rest)
    context.close()
    return {"first": first, "warm": warm, "dragged": dragged, "filtered": filtered}


def plain_figures(browser: Browser, url: str, quick: bool) -> dict[str, Any]:
    """Visits of the plain page, and a key on its slider."""
    context = browser.new_context(viewport=SCREEN)
    first, warm, page = visit_ms(context, url, ".js-plotly-plot")
    page.wait_for_timeout(rest_ms(quick))
    keys = key_to_paint(page, 1 if quick else 30)
    context.close()
    return {"first": first, "warm": warm, "keys": keys}


def rest_ms(quick: bool) -> int:
    """Milliseconds until what a page began has surely ended."""
    return 300 if quick else 2000


def show(lab: dict[str, Any], plain: dict[str, Any], quick: bool) -> None:
    """Print the table, and what needs no browser."""
    print("| drag | work a frame p50 / p95, ms | frame p95, ms | fps | messages | release, ms |")
    print("|---|---|---|---|---|---|")
    for name, d in lab["dragged"].items():
        print(
            f"| {name} | {d['work_p50']:.1f} / {d['work_p95']:.1f} | {d['frame_p95']:.1f} | "
            f"{d['fps']:.0f} | {d['messages']:.0f} | {d['release_ms']:.0f} |"
        )
    slow, fast = quantile(plain["keys"], 0.5), lab["dragged"]["T"]["frame_p95"]
    late = quantile(plain["keys"], 0.95)
    print(f"\nPlain page, key to paint: p50 {slow:.0f} ms, p95 {late:.0f} ms;")
    print(f"ours draws within a frame ({fast:.1f} ms p95): {slow / fast:.0f} x.")
    print(
        f"First visit {lab['first']:.0f} ms (plain {plain['first']:.0f}), warm {lab['warm']:.0f} ms"
    )
    imported = import_seconds(1 if quick else 3)
    print(f"(plain {plain['warm']:.0f}). Import of the app {imported:.2f} s, no torch.")
    filtered = quantile(lab["filtered"], 0.5)
    print(f"Filter 10,000 pairs, click to new link: p50 {filtered:.0f} ms.")
    print(f"One edited ad, p50 ms after warm-up: {answers_ms(1 if quick else 20)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one rail; its figures mean nothing")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
        with serving(lab_command(), home) as url:
            lab = lab_figures(browser, url, quick)
        with serving(plain_command(), home) as url:
            plain = plain_figures(browser, url, quick)
        browser.close()
    show(lab, plain, quick)


if __name__ == "__main__":
    main()
