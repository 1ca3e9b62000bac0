"""The Losses page by mouse and keyboard: what moves, what is sent, what a link opens."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def open_page(visit, story, settle):
    """open_page("lview=ads") -> the page, its plane drawn."""

    def go(query="", **options):
        page = visit(f"losses?v=1&{query}", at=story, **options)
        page.locator("button.point").first.wait_for(state="attached")
        settle(page)
        return page

    return go


def sentence(page) -> str:
    return page.locator(".st-key-losses_plane .finding").inner_text()


def test_a_drag_moves_the_loss_and_sends_one_message_at_its_release(open_page, settle):
    page = open_page()
    point = page.locator("button.point")
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    sent, seen = len(page.sent), set()
    for by in (20, 40, 60):
        page.mouse.move(x + by, y - by, steps=2)
        page.wait_for_timeout(150)
        seen.add(sentence(page))
    assert len(seen) == 3
    assert len(page.sent) == sent
    page.mouse.up()
    settle(page)
    assert len(page.sent) == sent + 1
    expect(page).to_have_url(re.compile(r"[?&]lat="))


def test_arrow_keys_move_the_point_and_descent_ends_where_both_objectives_rest(open_page, settle):
    page = open_page(still=True)
    point = page.locator("button.point")
    before = point.get_attribute("aria-label")
    point.press("Shift+ArrowUp")
    expect(point).not_to_have_attribute("aria-label", before)
    settle(page)
    page.get_by_role("button", name="Descend", exact=True).click()
    expect(page.locator(".endTable thead")).to_contain_text(re.compile(r"A after [\d,]+.*B after"))
    assert page.locator(".endTable").evaluate("node => node.scrollWidth <= node.clientWidth")
    settle(page)
    told = sentence(page)
    assert "From the same start" in told
    page.reload()
    settle(page)
    expect(page.locator(".st-key-losses_plane .finding")).to_have_text(told)
    page.get_by_role("button", name="Undo steps", exact=True).click()
    expect(page.locator(".endTable thead")).not_to_contain_text("A after")


def test_relation_says_and_draws_with_which_vectors_of_the_teacher_it_compares(open_page):
    note = "with which relation compares"
    page = open_page("lview=vectors&la=relation&lb=feature")
    expect(page.locator(".unit")).to_be_visible()
    assert note in page.locator(".unit").inner_text()
    page.get_by_role("button", name="B", exact=True).click()
    expect(page.locator(".unit")).to_be_hidden()


def test_a_view_that_can_draw_no_term_says_so_once_and_a_presentation_keeps_the_views(open_page):
    page = open_page("lview=vectors&present=1")
    expect(
        page.get_by_text("draws feature and relation losses; A and B have neither")
    ).to_have_count(1)
    assert sentence(page) == ""
    expect(page.locator(".st-key-w_lview")).to_be_visible()
    expect(page.locator(".st-key-losses_send")).to_be_hidden()


def test_a_text_that_is_no_number_gives_way_to_the_last_number_and_the_range_is_told(open_page):
    page = open_page()
    box = page.locator(".number .typed").first
    before = box.input_value()
    for typed in ("abc", "1e9", ""):
        box.fill(typed)
        box.press("Tab")
        expect(box).to_have_value(before)
        expect(page.locator(".number .typed-range").first).to_have_text("-100 to 100")
    box.fill("-1.5")
    box.press("Tab")
    expect(box).to_have_value("−1.50")
