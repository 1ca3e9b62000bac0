"""A projector: bars, rail and curves on one screen, a presentation, and zoom."""

import pytest

PICTURE = ".st-key-temperature_picture"


def bottom(page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


@pytest.mark.parametrize("mode", ["", "&present=1"])
def test_bars_rail_and_gradient_share_a_screen_of_1280_by_720(visit, settle, mode):
    page = visit(f"temperature?v=1&ttab=gradient{mode}", width=1280, height=720)
    page.locator(".st-key-temperature_tab_gradient svg .now").wait_for(state="attached")
    settle(page)
    assert bottom(page, f"{PICTURE} .bars") < 720
    assert bottom(page, f"{PICTURE} input[type=range]:visible") < 720
    assert bottom(page, ".st-key-temperature_tab_gradient svg") <= 720
    assert page.errors == []


def test_a_presentation_begins_with_its_button_and_ends_with_escape(visit, settle):
    page = visit("temperature?v=1", width=1280, height=720)
    size = "() => parseFloat(getComputedStyle(document.documentElement).fontSize)"
    before = page.evaluate(size)
    page.get_by_role("button", name="Present this page").click()
    page.wait_for_url(lambda url: "present=1" in url)
    page.locator('[data-testid="stSidebar"]').wait_for(state="hidden")
    assert not page.locator(".st-key-pick_teacher").is_visible()
    assert page.evaluate(size) > before
    settle(page)
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "present=1" not in url)
    page.locator('[data-testid="stSidebar"]').wait_for(state="visible")


def test_at_125_and_150_percent_bars_are_wide_and_nothing_leaves_the_page(visit, settle):
    page = visit("temperature?v=1", width=1024, height=576)
    main = "document.querySelector('[data-testid=stMain]')"
    for width, height in ((1024, 576), (853, 480)):
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        track = page.locator(f"{PICTURE} .track").first.bounding_box()
        assert track["width"] > 120  # 60 where numbers ran into each other
        assert page.evaluate(f"{main}.scrollWidth - {main}.clientWidth") <= 0
