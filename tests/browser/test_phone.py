"""What the pages show on a phone can be read: no name lies on another."""

import pytest

OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('.st-key-chart_runs_curves .textpoint')]
    .map((name) => name.getBoundingClientRect()).filter((box) => box.width);
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top
    || b.bottom <= a.top;
  const meet = (a, b) => !apart(a, b);
  return boxes.filter((a, at) => boxes.slice(at + 1).some((b) => meet(a, b))).length;
}"""


@pytest.mark.slow
def test_no_name_of_a_training_curve_lies_on_another(visit):
    page = visit("runs?v=1&rview=curves", width=390, height=844)
    page.locator(".st-key-chart_runs_curves .scatterlayer .trace").first.wait_for()
    assert page.evaluate(OVERLAPS) == 0
