"""`python tests/benchmarks/maps.py [--quick]`: two linked maps beside Plotly's scattergl.

Both draw the same points on the same screen in Chromium; read the ratios. Work is what the main
thread did per mouse move; our own work per animation frame is the goal's (16 ms at 100,000
points, 70 ms at 1,000,000). Prints a table in Markdown; run it when nothing else runs.
"""

import argparse
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from tests.benchmarks.browser import SCREEN, WATCH, plain_command, quantile, serving  # noqa: E402
from tests.browser.chromium import FLAGS, find  # noqa: E402

OURS = "canvas[data-frame]"
PLOTLY = ".js-plotly-plot .main-svg"
MOVES = 60
MOTION = {"pan": (0, 0), "zoomed in": (6, -250)}  # turns of the wheel before the drag


class Watched:
    """A page, the bytes that it received, and what its main thread did."""

    def __init__(self, browser: Any, url: str, ready: str) -> None:
        self.bytes = 0
        self.page = browser.new_context(viewport=SCREEN).new_page()
        self.page.add_init_script(WATCH)
        self.page.on("websocket", lambda ws: ws.on("framereceived", self.receive))
        self.client = self.page.context.new_cdp_session(self.page)
        self.client.send("Performance.enable")
        began = time.perf_counter()
        self.page.goto(url)
        self.place = self.page.locator(ready).first
        self.place.wait_for(timeout=300_000)
        self.seconds = time.perf_counter() - began
        self.page.wait_for_timeout(2500)

    def receive(self, frame: Any) -> None:
        """Count a message of the server."""
        self.bytes += len(frame)

    def busy(self) -> float:
        """Milliseconds that the main thread has worked since the page began."""
        metrics = self.client.send("Performance.getMetrics")["metrics"]
        return next(1000 * m["value"] for m in metrics if m["name"] == "TaskDuration")

    def drag(self, moves: int, wheel: tuple[int, int] = (0, 0)) -> dict[str, float]:
        """Drag over the left map; work per move and, of animation frames alone, per frame."""
        page = self.page
        box = self.place.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.55
        page.mouse.move(x, y)
        for _ in range(wheel[0]):
            page.mouse.wheel(0, wheel[1])
            page.wait_for_timeout(60)
        page.wait_for_timeout(1000)
        page.mouse.down()
        page.mouse.move(x + 8, y)
        page.evaluate("window.work.length = 0; window.frames_at.length = 0")
        before = self.busy()
        for i in range(moves):
            page.mouse.move(x + 60 * (i % 20) / 20, y + 40 * (i % 15) / 15)
            page.wait_for_timeout(14)
        worked = self.busy() - before
        work, frames = page.evaluate("[window.work, window.frames_at]")
        page.mouse.up()
        page.wait_for_timeout(1500)
        gaps = [b - a for a, b in pairwise(frames)]
        drawn = [ms for ms in work if ms > 0.3]
        return {
            "move": worked / moves,
            "p50": quantile(drawn, 0.5),
            "p95": quantile(drawn, 0.95),
            "gap": quantile(gaps, 0.95),
        }

    def close(self) -> None:
        """End its context."""
        self.page.context.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few points; figures mean nothing")
    quick = parser.parse_args().quick
    sizes = {"ours": [1000], "pan": [1000]}
    if not quick:
        sizes = {"ours": [10_000, 100_000, 1_000_000], "pan": [10_000, 100_000]}
    moves = 5 if quick else MOVES
    command = [word.replace("plain_page", "maps_page") for word in plain_command()]
    figures: dict[tuple[str, int, str], dict[str, float]] = {}
    print("| points | page | shown, s | received, MB | bytes per point |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
        with serving(command, home) as url:
            for how, name in (("ours", "two linked maps"), ("pan", "Plotly scattergl")):
                ready = OURS if how == "ours" else PLOTLY
                first = Watched(browser, f"{url}/?n=100&how={how}", ready)
                empty = first.bytes
                first.close()
                for n in sizes[how]:
                    watched = Watched(browser, f"{url}/?n={n}&how={how}", ready)
                    each = (watched.bytes - empty) / (n - 100)
                    print(
                        f"| {n:,} | {name} | {watched.seconds:.1f} | {watched.bytes / 1e6:.2f} "
                        f"| {each:.1f} |"
                    )
                    for motion, wheel in MOTION.items():
                        figures[how, n, motion] = watched.drag(moves, wheel)
                    watched.close()
        browser.close()
    print_drags(figures)


def print_drags(figures: dict[tuple[str, int, str], dict[str, float]]) -> None:
    """The drags as a table; figures by page, points and motion."""
    print("\n| drag | points | ours: ms per move | ms per frame p50 / p95 | gap p95 |", end="")
    print(" Plotly: ms per move | gap p95 | ratio of work |\n|---|---|---|---|---|---|---|---|")
    for (how, n, motion), ours in figures.items():
        if how != "ours":
            continue
        row = f"| {motion} | {n:,} | {ours['move']:.1f} | {ours['p50']:.1f} / {ours['p95']:.1f} "
        row += f"| {ours['gap']:.0f} |"
        if theirs := figures.get(("pan", n, motion)):
            ratio = theirs["move"] / ours["move"]
            row += f" {theirs['move']:.1f} | {theirs['gap']:.0f} | {ratio:.1f} |"
        print(row)


if __name__ == "__main__":
    main()
