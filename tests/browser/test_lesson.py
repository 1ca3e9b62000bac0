"""The guided lesson: every step's target is there, and a deed on the real control ticks it off."""

from urllib.parse import urlencode

import pytest

from app.lessons import lessons

STEPS = [(each.name, place) for each in lessons().values() for place in range(len(each.steps))]


@pytest.mark.parametrize(("name", "place"), STEPS)
def test_a_step_opens_beside_its_target(visit, name, place):
    step = lessons()[name].steps[place]
    asked = {"v": "1", **step.link, "lesson": name, "step": str(place)}
    page = visit(f"{step.page}?{urlencode(asked)}")
    assert step.task in page.locator(".st-key-lesson").inner_text()
    choices = [page.locator(each.strip()).first for each in step.target.split(",")]
    page.wait_for_timeout(1500)
    assert any(choice.is_visible() for choice in choices)


def test_the_lesson_is_taught_by_acting_and_ends_where_it_began_to_matter(visit, settle):
    page = visit()
    page.get_by_role("button", name="Start the lesson").click()
    page.wait_for_url("**/temperature?*lesson=soft-labels*")
    settle(page)
    go_on = page.locator(".st-key-lesson_next button")
    assert go_on.inner_text() == "Skip"
    rail = page.locator(".st-key-temperature_rail input[type=range]").first
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
