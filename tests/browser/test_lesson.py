"""The guided lesson: every step's target is there, and a deed on the real control ticks it off."""

from urllib.parse import urlencode

import pytest

from app.shell.lessons import lessons

expect = pytest.importorskip("playwright.sync_api").expect

FREE = """node => node.getBoundingClientRect().top > 0 && node.getBoundingClientRect().bottom <
  document.querySelector('[data-testid="stBottom"]').getBoundingClientRect().top"""
STEPS = [(each.name, place) for each in lessons().values() for place in range(len(each.steps))]


@pytest.mark.parametrize(
    ("name", "place", "width"),
    [(*step, 1440) for step in STEPS]
    + [(*step, 390) for step in STEPS if step[0] == "soft-labels"],
)
def test_a_step_rings_its_target_and_brings_it_into_view(visit, name, place, width):
    step = lessons()[name].steps[place]
    asked = {"v": "1", **step.link, "lesson": name, "step": str(place)}
    page = visit(f"{step.page}?{urlencode(asked)}", width=width)
    assert step.task in page.locator(".st-key-lesson").inner_text()
    target = page.locator(step.target).first
    expect(target).to_be_visible()
    page.wait_for_function(
        "node => node.style.outline.includes('3px')", arg=target.element_handle()
    )
    page.wait_for_function(FREE, arg=target.element_handle())


def test_what_comes_late_above_a_target_does_not_push_it_under_the_lesson(visit):
    asked = {"v": "1", "lesson": "distill", "step": "0"}
    page = visit(f"distill?{urlencode(asked)}")
    target = page.locator(lessons()["distill"].steps[0].target).first
    page.wait_for_function(FREE, arg=target.element_handle())
    under_lesson = page.evaluate(
        f"""node => {{
          const lesson = document.querySelector('[data-testid="stBottom"]').getBoundingClientRect();
          const late = document.createElement("div");
          // else the browser's scroll anchoring holds the target in place by itself
          for (let each = node; each; each = each.parentElement) each.style.overflowAnchor = "none";
          late.style.height = `${{lesson.top - node.getBoundingClientRect().top - 40}}px`;
          document.querySelector('[data-testid="stMainBlockContainer"]').prepend(late);
          return !({FREE})(node);
        }}""",
        target.element_handle(),
    )
    assert under_lesson
    page.wait_for_function(FREE, arg=target.element_handle())


def test_the_lesson_is_taught_by_acting_and_ends_where_it_began_to_matter(visit, settle):
    page = visit()
    page.get_by_role("button", name="Start the lesson").click()
    page.wait_for_url("**/temperature?*lesson=soft-labels*")
    settle(page)
    go_on = page.locator(".st-key-lesson_next button")
    assert go_on.inner_text() == "Skip"
    rail = page.locator(".st-key-temperature_rail #rail-teacher")
    rail.focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.locator(".st-key-lesson_next button", has_text="Next").wait_for()
    go_on.click()
    page.wait_for_url("**step=1**")
    settle(page)
    page.get_by_role("button", name="Close the lesson").click()
    page.locator(".st-key-lesson").wait_for(state="detached")
    assert "lesson" not in page.url
