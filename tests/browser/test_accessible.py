"""axe-core finds nothing to object to: WCAG 2.0 to 2.2, A and AA, on every page, in both themes."""

import pytest
from axe_playwright_python.sync_playwright import Axe

PLACES = (
    "",
    "temperature",
    "temperature?v=1&lesson=soft-labels",
    "masked_word",
    "compare",
    "compare?v=1&ctab=slices",
    "ranking",
    "ranking?v=1&rtab=lists",
    "distill",
    "runs",
    "data",
)
RARELY = (
    "runs?v=1&rview=frontier",
    "distill?v=1&dmode=yaml",
    "ranking?v=1&rtab=auction",
    "ranking?v=1&rtab=ndcg",
    "compare?v=1&ctab=edit",
    "distill?v=1&run=twinbert_cos-kd&settings=hard_weight%3D0%3Bsoft_weight%3D0",
    "runs?v=1&rview=diff",
    "runs?v=1&rview=parallel",
)
IS_DARK = """() => {
  const ground = getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor;
  return ground === 'rgb(16, 21, 28)';
}"""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.mark.parametrize(
    "place", [*PLACES, *(pytest.param(rare, marks=pytest.mark.slow) for rare in RARELY)]
)
def test_a_page_has_no_violation_in_either_theme(visit, settle, place):
    page = visit(place)
    page.wait_for_timeout(300)
    told = violations(page, "light")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(IS_DARK)
    settle(page)
    page.wait_for_timeout(300)
    told += violations(page, "dark")
    assert not told, "\n".join(told)


def violations(page, theme: str) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{theme}: {each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"]
    ]
