"""`make shots`: every page at two sizes in light and dark, into a folder."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from tests.browser.chromium import FLAGS, find  # noqa: E402
from tests.browser.conftest import free_port, settled, wait_for_health  # noqa: E402
from tests.browser.places import EVERY_PAGE  # noqa: E402

PLACES = {page or "start": page for page in EVERY_PAGE} | {
    "temperature-replay": "temperature?v=1&ttab=replay",
    "losses-ads": "losses?v=1&lview=ads&la=ranking&lb=ranking:loss=list_kl",
    "losses-vectors": "losses?v=1&lview=vectors&la=feature&lb=relation",
    "losses-attention": "losses?v=1&lview=attention&student=bert-kd&la=internal",
    "scale-glue": "scale?v=1&stab=glue",
    "scale-runs": "scale?v=1&stab=runs",
    "retrieval-recall": "retrieval?v=1&ftab=recall",
    "retrieval-funnel": "retrieval?v=1&ftab=funnel",
    "retrieval-twin": "retrieval?v=1&ftab=twin",
    "retrieval-serving": "retrieval?v=1&ftab=storage",
    "compare-slices": "compare?v=1&ctab=slices",
    "compare-edit": "compare?v=1&ctab=edit",
    "ranking-ndcg": "ranking?v=1&rtab=ndcg",
    "ranking-lists": "ranking?v=1&rtab=lists",
    "ranking-auction": "ranking?v=1&rtab=auction",
    "map-teacher": "map?v=1&mleft=teacher&mcolor=relevance_left",
    "map-texts": "map?v=1&mwhat=texts",
    "map-moments": "map?v=1&mwhat=moments",
    "distill-teacher": "distill?v=1&tform=1",
    "recipe-plan": "recipe?v=1&rplan=1&recipe=adsbert",
    "lesson": "temperature?v=1&lesson=soft-labels",
}
SIZES = ((1440, 900), (390, 844))


def main(folder: Path, wanted: list[str]) -> None:
    """Write PLACE-WIDTH-THEME.png and, of the whole page, PLACE-WIDTH-THEME-full.png."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {"KDLAB_HOME": home, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "app", "--no-browser", "--port", str(port)]
        server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
        try:
            wait_for_health(f"http://127.0.0.1:{port}", server)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
                for place in wanted or PLACES:
                    _shoot(browser, f"http://127.0.0.1:{port}/{PLACES[place]}", folder / place)
                browser.close()
        finally:
            server.terminate()
            server.wait(timeout=20)


def _shoot(browser, url: str, stem: Path) -> None:
    for width, height in SIZES:
        for theme in ("light", "dark"):
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
            page.goto(url)
            settled(page)
            page.wait_for_timeout(700)
            page.screenshot(path=f"{stem}-{width}-{theme}.png")
            whole = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
            page.set_viewport_size({"width": width, "height": min(whole + 60, 6000)})
            page.wait_for_timeout(700)
            page.screenshot(path=f"{stem}-{width}-{theme}-full.png")
            page.close()
            sys.stderr.write(f"{stem.name} {width} {theme}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "shots"), sys.argv[2:])
