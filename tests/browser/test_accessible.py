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
    "compare?v=1&ctab=edit",
    "ranking",
    "ranking?v=1&rtab=ndcg",
    "ranking?v=1&rtab=lists",
    "ranking?v=1&rtab=auction",
    "data",
)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_a_page_has_no_violation(visit, place, theme):
    page = visit(place, dark=theme == "dark")
    page.wait_for_timeout(300)
    found = Axe().run(page, options=RULES).response["violations"]
    told = [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"]
    ]
    assert not told, "\n".join(told)
