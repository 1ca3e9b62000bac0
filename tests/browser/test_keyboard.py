"""The keyboard's way into each page: a skip link first, then not far to the page's main control."""

from tests.browser.places import EVERY_PAGE

FOCUSED = """() => {
  let node = document.activeElement;
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  const host = node.getRootNode().host ?? node;
  const place = host.closest("[class*=st-key-]")?.className.match(/st-key-(\\S+)/)?.[1];
  return [node.id, node.className, place].join(" ");
}"""
# page -> what stands in its main control's id, class or key, and how far behind the finding it is
MAIN = {
    "": ("door", 25),
    "temperature": ("rail-teacher", 25),
    "masked_word": ("sentence", 25),
    "losses": ("point", 25),
    "scale": ("w_stab", 25),
    "compare": ("joint", 25),
    "ranking": ("density_rail", 25),
    "retrieval": ("w_fq", 25),
    "map": ("chart_map", 25),
    "distill": ("w_preset", 25),
    "recipe": ("recipe_boxes", 25),
    "runs": ("runs_grid", 25),
    "data": ("card", 25),
}


def walk_to_the_main_control(page, path: str) -> None:
    """From the skip link, which a first Tab finds on every page; it must not be far."""
    page.keyboard.press("Enter")
    assert "finding" in page.evaluate(FOCUSED)
    wanted, most = MAIN[path]
    seen: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
        if wanted in seen[-1]:
            return
    raise AssertionError(f"{wanted} is not among the {most} stops\n" + "\n".join(seen))


def test_the_first_tab_finds_a_link_past_the_rail_and_the_pickers_to_the_main_control(visit):
    page = visit("temperature")
    link = page.locator("#kd-skip")
    link.wait_for(state="attached")
    page.keyboard.press("Tab")
    assert link.evaluate("node => node === document.activeElement")
    assert link.bounding_box()["y"] >= 0
    before = page.evaluate("navigation.currentEntry.key")
    walk_to_the_main_control(page, "temperature")
    assert page.evaluate("navigation.currentEntry.key") == before


def test_every_page_has_a_main_control():
    """Each other page is walked where test_accessible.py visits it."""
    assert set(MAIN) == set(EVERY_PAGE)
