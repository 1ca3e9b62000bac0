"""What the pages show on a phone can be read: no text is cut, none lies on another."""

import pytest

CUT = "(label) => label.scrollWidth > label.clientWidth"
OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('.st-key-chart_runs_curves .textpoint')]
    .map((name) => name.getBoundingClientRect()).filter((box) => box.width);
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return boxes.filter((a, at) => boxes.slice(at + 1).some((b) => meet(a, b))).length;
}"""


@pytest.mark.slow
def test_the_label_of_a_checkbox_is_whole(visit):
    page = visit("data?v=1&dtab=score", width=390, height=844)
    labels = page.locator("[data-testid='stCheckbox'] [data-testid='stMarkdownContainer']")
    page.get_by_text("Score with a ready reranker or classifier").click()
    labels.first.wait_for()
    assert not any(label.evaluate(CUT) for label in labels.all())


@pytest.mark.slow
def test_no_name_of_a_training_curve_lies_on_another(visit):
    page = visit("runs?v=1&rview=curves", width=390, height=844)
    page.locator(".st-key-chart_runs_curves .scatterlayer .trace").first.wait_for()
    assert page.evaluate(OVERLAPS) == 0
