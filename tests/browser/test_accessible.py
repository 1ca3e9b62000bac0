"""Every page, in both themes: axe-core (WCAG 2.0 to 2.2, A and AA), keyboard, a narrow screen."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.places import with_parts
from tests.browser.test_keyboard import MAIN, walk_to_the_main_control

PLACES = with_parts(
    "temperature?v=1&lesson=soft-labels",
    "compare?v=1&ctab=slices",
    "ranking?v=1&rtab=lists",
    "ranking?v=1&rtab=auction",
    without=("temperature",),
)
RARELY = (
    "retrieval?v=1&ftab=funnel",
    "retrieval?v=1&ftab=storage",
    "map?v=1&pair=7",
    "map?v=1&mwhat=texts",
    "map?v=1&mwhat=moments",
    "scale?v=1&stab=glue",
    "scale?v=1&stab=runs",
    "temperature",
    "runs?v=1&rview=frontier",
    "distill?v=1&dmode=yaml",
    "distill?v=1&preset=ensemble",
    "distill?v=1&tform=1",
    "ranking?v=1&rtab=ndcg",
    "compare?v=1&ctab=edit",
    "distill?v=1&run=twinbert_cos-kd&settings=hard_weight%3D0%3Bsoft_weight%3D0",
    "losses?v=1&lview=attention&la=internal",
    "recipe?v=1&rplan=1&recipe=adsbert&rstage=twinbert",
    "runs?v=1&rview=diff",
    "runs?v=1&rview=parallel",
    "runs?v=1&rview=curves",
)
IS_DARK = """() => {
  const ground = getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor;
  return ground === 'rgb(16, 21, 28)';
}"""
# Streamlit fades what it draws anew; a busy machine is long about it
AT_REST = "[data-stale] { opacity: 1 !important; transition: none !important; }"
# a node for each violation; what passes is only counted, which takes a third of the time
ASKED = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}
# what colors alone decide; all else is as it was in the other theme
OF_COLORS = ASKED | {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
}
# what stands out of the page to the right; what scrolls in a box of its own does not count
WIDER = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  return [document.documentElement.scrollWidth, main.scrollWidth - main.clientWidth];
}"""


@pytest.mark.parametrize(
    "place", [*PLACES, *(pytest.param(rare, marks=pytest.mark.slow) for rare in RARELY)]
)
def test_a_page_has_no_violation_in_either_theme_a_way_by_keyboard_and_fits_320_pixels(
    visit, settle, place
):
    page = visit(place)
    page.add_style_tag(content=AT_REST)
    told = violations(page, settle, "light", ASKED)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(IS_DARK)
    told += violations(page, settle, "dark", OF_COLORS)
    assert not told, "\n".join(told)
    if place in MAIN:
        page.keyboard.press("Tab")
        walk_to_the_main_control(page, place)
    page.set_viewport_size({"width": 320, "height": 640})
    settle(page)
    whole, beyond = page.evaluate(WIDER)
    assert whole <= 320
    assert beyond <= 0


def violations(page, settle, theme: str, rules: dict) -> list[str]:
    for _ in range(3):  # a color may still be on its way to the other theme's
        settle(page)
        if not (found := Axe().run(page, options=rules).response["violations"]):
            break
    return [
        f"{theme}: {each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"]
    ]
