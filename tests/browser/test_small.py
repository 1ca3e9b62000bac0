"""A visitor who wants no motion: nothing moves by itself."""

MOVING = """() => {
  const all = (root) => [...root.querySelectorAll("*")].flatMap(
    (node) => [node, ...(node.shadowRoot ? all(node.shadowRoot) : [])]);
  return all(document).filter((node) => node.closest?.(".kd")).flatMap((node) =>
    node.getAnimations().map((each) => node.className + each.playState));
}"""


def test_nothing_of_ours_is_animated_for_a_visitor_who_wants_no_motion(visit):
    page = visit("temperature", still=True)
    page.locator("input[type=range]").first.press("ArrowRight")
    assert page.evaluate(MOVING) == []
