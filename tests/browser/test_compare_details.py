"""Compare below its picture, as a visitor: sort, open, note, reload; edit and see both answers."""

import re

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

HEAD, ROW = 38, 35  # pixels of the table's head and of a row


def table(page):
    found = page.locator('[class*="st-key-ctable_"] [data-testid="stDataFrame"]').first
    found.scroll_into_view_if_needed()
    return found


def choose_row(page, place: int) -> None:
    box = table(page).locator("canvas").first.bounding_box()
    page.mouse.click(box["x"] + 300, box["y"] + HEAD + ROW * place + ROW / 2)


def card(page, key: str = "pair_in_full"):
    return page.locator(f".st-key-{key} article").first


def shown_pair(page) -> int:
    heading = card(page).locator("h3").inner_text()
    return int(re.search(r"[\d,]+", heading)[0].replace(",", ""))


def test_sort_open_a_row_note_it_and_find_the_note_after_a_reload(visit, settle):
    page = visit("compare?v=1&ctab=notes")
    page.get_by_label("Order", exact=True).press_sequentially("As in the")
    page.get_by_role("option", name="As in the data set").click()
    settle(page)
    choose_row(page, 3)
    page.wait_for_url("**pair=3*")
    settle(page)
    assert shown_pair(page) == 4  # a link counts from 0, the page from 1
    text = '=1+1 <script>window.hit=1</script> <img src=x onerror="window.hit=1">'
    page.get_by_text("label wrong", exact=True).click()
    settle(page)
    page.get_by_label("Note", exact=True).fill(text)
    page.keyboard.press("Tab")
    settle(page)
    page.reload()
    settle(page)
    expect(page.get_by_label("Note", exact=True)).to_have_value(text)
    expect(page.get_by_text("1 noted: 1 label wrong.")).to_be_visible()
    with page.expect_download() as told:
        page.get_by_role("button", name="Notes as CSV for relabelling").click()
    csv = told.value.path().read_text()
    assert "'=1+1 <script>" in csv
    assert page.evaluate("window.hit") is None
    assert page.errors == []


def test_a_row_opened_in_the_table_stays_open_in_it(visit, settle):
    """A click must not make a new table: its scroll and focus would be lost."""
    page = visit("compare?v=1&sort=row&ctab=notes")
    table(page).evaluate("node => { node.marked = true }")
    choose_row(page, 2)
    page.wait_for_url("**pair=2*")
    settle(page)
    choose_row(page, 4)
    page.wait_for_url("**pair=4*")
    settle(page)
    assert table(page).evaluate("node => node.marked") is True


def test_a_row_opens_by_keyboard_alone(visit, settle):
    page = visit("compare?v=1&sort=row&ctab=notes")
    page.get_by_role("button", name="Next pair", exact=True).focus()
    for _ in range(8):  # the table's own buttons lie between
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "CANVAS":
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    page.wait_for_url("**pair=*")
    settle(page)
    assert shown_pair(page) in range(10)


def test_an_edited_title_is_answered_by_both_models_and_the_link_says_it(visit, settle):
    page = visit("compare?v=1&pair=3&ctab=edit")
    title = page.get_by_label("Title", exact=True)
    title.fill("=1+1 <script>window.hit=1</script> shoes")
    title.press("Enter")
    settle(page)
    page.get_by_text("Score with the teacher too").click()
    page.wait_for_url("**eteacher=1*")
    settle(page)
    child = page.locator("article", has_text="Edit of pair 4")
    expect(child).to_contain_text("=1+1 <script>window.hit=1</script> shoes")
    expect(child.locator("thead th")).to_have_text(["grade", "teacher", "student"])
    expect(child.locator("ins").first).to_be_visible()
    expect(page.get_by_text("this text has not been graded")).to_be_visible()
    again = visit(page.url.split("/", 3)[3])
    expect(again.get_by_label("Title", exact=True)).to_have_value(
        "=1+1 <script>window.hit=1</script> shoes"
    )
    expect(again.locator("article", has_text="Edit of pair 4")).to_be_visible()
    assert again.evaluate("window.hit") is None
    assert page.errors == []


@pytest.mark.slow
def test_choosing_a_slice_filters_the_page_and_the_way_out_clears_it(visit, settle):
    page = visit("compare?v=1&ctab=slices&sort=row")
    found = page.locator('.st-key-chart_slices [data-testid="stDataFrame"]')
    found.scroll_into_view_if_needed()
    box = found.locator("canvas").first.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + HEAD + ROW / 2)
    page.wait_for_url("**slice=*")
    settle(page)
    expect(page.get_by_text("The page shows where")).to_be_visible()
    expect(page.locator(".st-key-finding")).to_contain_text("selected pairs")
    page.get_by_role("button", name="Show all pairs").click()
    page.wait_for_url(lambda url: "slice=" not in url)
    settle(page)


@pytest.mark.slow
def test_a_pin_and_a_second_student_stand_beside_the_pair(visit, settle):
    page = visit("compare?v=1&pair=3&ctab=notes")
    page.get_by_role("button", name="Pin this pair").click()
    page.wait_for_url("**pin=3*")
    settle(page)
    page.get_by_role("button", name="Next pair", exact=True).click()
    settle(page)
    pinned = page.locator(".st-key-pair_in_full article h3")
    expect(pinned).to_have_count(2)
    expect(pinned.nth(1)).to_have_text("Pair 4, pinned")
    page.get_by_label("Second student", exact=True).focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("option").nth(1).click()
    page.wait_for_url("**rival=*")
    settle(page)
    expect(card(page).locator("thead th", has_text="second student")).to_be_visible()


@pytest.mark.slow
def test_calibration_says_in_words_what_it_draws(visit):
    page = visit("compare?v=1&ctab=calibration")
    expect(page.get_by_text(re.compile(r"^At T = 1: teacher .*best T"))).to_be_visible()
    expect(page.locator(".st-key-chart_calibration .js-plotly-plot")).to_be_visible()
