"""Ranking by mouse and by keyboard: what a drag shows, what the server hears, what links keep."""

import re

import pytest

sync_api = pytest.importorskip("playwright.sync_api")

RAIL = ".st-key-density_picture"
STRIP = ".st-key-delta_picture"


def k_of(page) -> int:
    return int(re.search(r"\d+", page.locator(f"{RAIL} output").inner_text())[0])


def thumb(page, k: int) -> tuple[float, float]:
    """Where the middle of the thumb stands at k; it is 24 px wide."""
    box = page.locator(f"{RAIL} input[type=range]").bounding_box()
    return box["x"] + 12 + (k - 1) / 19 * (box["width"] - 24), box["y"] + box["height"] / 2


def test_a_drag_of_k_redraws_at_once_and_its_release_is_told_and_tested_once(visit, settle):
    page = visit("ranking?v=1&k=5")
    shares = page.locator(f"{RAIL} svg.density")
    seen = {shares.get_attribute("aria-label")}
    row = page.locator(f"{RAIL} svg .small").first
    assert row.text_content().startswith("95 %")
    page.mouse.move(*thumb(page, 5))
    page.mouse.down()
    page.sent.clear()
    for k in range(5, 13):
        page.mouse.move(*thumb(page, k))
        page.wait_for_timeout(40)
        seen.add(shares.get_attribute("aria-label"))
    assert k_of(page) == 12
    assert len(seen) == 8  # every depth from 5 to 12 was drawn
    assert row.text_content() == ""  # an interval is shown at the tested depth only
    assert "Release to test" in page.locator(f"{RAIL} .note").inner_text()
    assert page.sent == []
    page.mouse.up()
    page.wait_for_url("**k=12*")
    sync_api.expect(row).to_contain_text("95 %")
    settle(page)
    assert len(page.sent) == 1
    assert "In the top 12," in page.locator(".st-key-finding").inner_text()
    assert page.errors == []


def test_arrow_keys_move_k_on_axes_that_stand_still_and_a_rest_releases_it(visit, settle):
    page = visit("ranking?v=1&k=5")
    ticks = page.locator(f"{RAIL} svg.density .tick")
    before = ticks.all_text_contents()
    page.locator(f"{RAIL} input[type=range]").focus()
    page.sent.clear()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    sync_api.expect(page.locator(f"{RAIL} output")).to_have_text("k = 8")  # drawn a frame later
    assert ticks.all_text_contents() == before
    page.wait_for_url("**k=8*")
    settle(page)
    assert 1 <= len(page.sent) < 3  # one, unless a busy machine rests between two presses
    assert k_of(page) == 8


def test_the_papers_table_is_a_preset_of_depth_and_mean(visit, settle):
    page = visit("ranking?v=1&k=9&pooled=0")
    page.get_by_text("Paper's Table 3", exact=True).first.click()
    page.wait_for_url("**reading=paper*")
    settle(page)
    assert "k=9" not in page.url
    assert "pooled=0" not in page.url
    assert page.locator(f"{RAIL} svg.density .paper").count() == 4
    assert page.get_by_text("these sum to +10.7").count() == 1


@pytest.mark.slow
def test_a_brush_by_mouse_lists_its_queries_and_says_so_once(visit, settle):
    page = visit("ranking?v=1&rtab=ndcg")
    canvas = page.locator(f"{STRIP} canvas")
    canvas.scroll_into_view_if_needed()
    settle(page)
    box = canvas.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, y)
    page.mouse.down()
    page.sent.clear()
    page.mouse.move(box["x"] + box["width"] * 0.4, y, steps=5)
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=5)
    assert page.sent == []
    page.mouse.up()
    page.wait_for_url("**brush=*")
    settle(page)
    assert len(page.sent) == 1
    first, last = re.search(r"brush=(\d+)(?:,|%2C)(\d+)", page.url).groups()
    assert page.get_by_text(f"ranks {first} to {last}").count() == 1


def test_a_brush_by_keyboard_does_the_same(visit, settle):
    page = visit("ranking?v=1&rtab=ndcg")
    page.get_by_label("from rank").fill("3")
    page.get_by_label("to", exact=True).fill("12")
    page.keyboard.press("Enter")
    page.wait_for_url("**brush=3*12*")
    settle(page)
    assert page.get_by_text("ranks 3 to 12").count() == 1
    page.get_by_label("to", exact=True).press("ArrowDown")
    page.wait_for_url("**brush=3*11*")


def test_a_click_on_the_strip_opens_that_querys_lists(visit, settle):
    page = visit("ranking?v=1&rtab=ndcg")
    canvas = page.locator(f"{STRIP} canvas")
    canvas.scroll_into_view_if_needed()
    settle(page)
    canvas.click(position={"x": 60, "y": 50})
    page.wait_for_url("**rtab=lists*")
    assert "query=" in page.url


def test_the_keyboard_reaches_the_last_query_and_opens_it(visit):
    page = visit("ranking?v=1&rtab=ndcg")
    under = page.locator(f"{STRIP} .under")
    sync_api.expect(under).to_contain_text("1. “")
    page.get_by_label("Query at rank").press("End")
    sync_api.expect(under).to_contain_text(
        f"{int(page.get_by_label('to', exact=True).input_value()):,}. “"
    )
    page.get_by_label("Query at rank").press("Enter")
    page.wait_for_url("**rtab=lists*")
    assert "query=" in page.url


@pytest.mark.parametrize(
    "link",
    [
        "v=1&k=11&pooled=0&rwho=teacher&against=student&reading=relative",
        "v=1&rtab=ndcg&k=3&gain=linear&against=teacher&rskill=1&brush=10,40",
    ],
)
def test_a_link_opens_the_state_that_it_says_and_stays(visit, link):
    page = visit(f"ranking?{link}")
    said = dict(part.split("=") for part in page.url.split("?")[1].split("&"))
    said = {k: v.replace("%2C", ",") for k, v in said.items() if k not in ("dh", "rh")}
    assert said == dict(part.split("=") for part in link.split("&"))


@pytest.mark.parametrize(
    ("part", "control", "sign"),
    [("ndcg", "Gain = grade", "gain=linear"), ("density", "Relative", "reading=relative")],
)
def test_a_choice_changes_the_picture_and_the_link(visit, settle, part, control, sign):
    page = visit(f"ranking?v=1&rtab={part}")
    picture = page.locator(".st-key-chart_ndcg_curve svg.main-svg, svg.density").first
    before = picture.inner_html()
    page.get_by_text(control, exact=True).first.click()
    page.wait_for_url(f"**{sign}*")
    settle(page)
    assert picture.inner_html() != before
