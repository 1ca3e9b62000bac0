"""The guided lesson: every step's target is there, and a deed on the real control ticks it off."""

from urllib.parse import urlencode

import pytest

from app.shell.lessons import lessons
from tests.browser.conftest import settled

expect = pytest.importorskip("playwright.sync_api").expect

FREE = """node => node.getBoundingClientRect().top > 0 && node.getBoundingClientRect().bottom <
  document.querySelector('[data-testid="stBottom"]').getBoundingClientRect().top"""


def place_of(name: str, place: int) -> str:
    """The link to a step of a lesson."""
    step = lessons()[name].steps[place]
    return f"{step.page}?{urlencode({'v': '1', **step.link, 'lesson': name, 'step': str(place)})}"


@pytest.mark.parametrize("name", lessons())
def test_each_step_rings_its_target_and_brings_it_into_view(visit, name):
    page = visit(place_of(name, 0))
    for place, step in enumerate(lessons()[name].steps):
        if place:
            page.get_by_role("button", name="Skip").click()
        see(page, step)


def test_on_a_phone_as_well_from_the_last_step_back(visit):
    steps = lessons()["soft-labels"].steps
    page = visit(place_of("soft-labels", len(steps) - 1), width=390)
    for place in reversed(range(len(steps))):
        see(page, steps[place])
        if place:
            page.get_by_role("button", name="Back").click()


def see(page, step) -> None:
    """A step is told, and its target is ringed and in view."""
    expect(page.locator(".st-key-lesson")).to_contain_text(step.task)
    settled(page)
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
