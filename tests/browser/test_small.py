"""A narrow screen and a visitor who wants no motion: every page fits, nothing moves by itself."""

import pytest

PLACES = ("", "temperature", "masked_word", "compare", "ranking", "ranking?v=1&rtab=lists",
          "ranking?v=1&rtab=auction", "data")  # fmt: skip
# what stands out of the page to the right; what scrolls in a box of its own does not count
WIDER = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  return [document.documentElement.scrollWidth, main.scrollWidth - main.clientWidth];
}"""
MOVING = """() => {
  const all = (root) => [...root.querySelectorAll("*")].flatMap(
    (node) => [node, ...(node.shadowRoot ? all(node.shadowRoot) : [])]);
  return all(document).filter((node) => node.closest?.(".kd")).flatMap((node) =>
    node.getAnimations().map((each) => node.className + each.playState));
}"""


@pytest.mark.parametrize("place", PLACES)
def test_a_page_of_320_pixels_has_no_horizontal_scroll(visit, place):
    page = visit(place, width=320, height=640)
    page.wait_for_timeout(300)
    whole, beyond = page.evaluate(WIDER)
    assert whole <= 320
    assert beyond <= 0


def test_nothing_of_ours_is_animated_for_a_visitor_who_wants_no_motion(visit):
    page = visit("temperature", still=True)
    page.locator("input[type=range]").first.press("ArrowRight")
    assert page.evaluate(MOVING) == []
