"""The frame that stands around every page."""

import json
import re
from pathlib import Path

from playwright import sync_api

from app.shell.glossary import TERMS
from app.shell.pages import PAGES

# names in the top bar that are wider than their box
CUT = """() => [...document.querySelectorAll('.st-key-top_bar input')]
  .filter((n) => n.scrollWidth > n.clientWidth + 1).map((n) => n.value)"""


def test_the_first_screen_names_what_is_on_the_table_and_leads_to_every_page(visit):
    page = visit()
    assert page.get_by_role("heading", level=1).count() == 1
    assert "ROC-AUC" in page.locator(".st-key-finding").inner_text()
    links = page.get_by_test_id("stSidebarNavLink")
    titles = [text.split("\n")[-1] for text in links.all_inner_texts()]  # behind their icons
    assert titles == [each.title for each in PAGES]
    assert page.errors == []


def test_a_link_with_odd_parts_opens_and_names_each_part_it_left_out(visit):
    page = visit("?v=1&T=999&nonsense=1&k=x&data=nowhere")
    told = page.locator(".st-key-banner").inner_text()
    for part in ("T: 999 is outside", "nonsense", "k: 'x' is not a number", "nowhere"):
        assert part in told
    page.get_by_role("button", name="Understood").click()
    page.locator(".st-key-banner").wait_for(state="detached")


def test_the_question_mark_key_lists_the_shortcuts_and_can_be_switched_off(visit, settle):
    page = visit()
    page.locator("h1").click()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts and glossary")
    dialog.wait_for()
    assert dialog.locator(".words dt").all_inner_texts() == [term for term, _ in TERMS]
    dialog.get_by_label("Single-key shortcuts").uncheck()
    dialog.get_by_role("button", name="Close").click()
    page.wait_for_url("**keys=0*")
    settle(page)
    page.keyboard.press("?")
    page.wait_for_timeout(200)
    assert not dialog.is_visible()


def test_choosing_another_student_changes_the_link_and_back_returns(visit, settle):
    page = visit()
    page.wait_for_url(re.compile("rh="))  # the marks come into the address that is there
    before = page.url
    page.get_by_role("combobox", name=re.compile("Student")).click()
    page.get_by_role("option", name=re.compile("C-DSSM")).first.click()
    page.wait_for_url(re.compile("student=cdssm"))
    settle(page)
    page.go_back()  # one choice is one entry: a second one would lead forward again
    page.wait_for_url(before)
    sync_api.expect(page.get_by_role("combobox", name="Student", exact=True)).not_to_have_value(
        re.compile("C-DSSM")
    )
    settle(page)
    assert page.url == before


def test_what_is_saved_tells_of_this_visitors_state(visit, settle):
    page = visit("temperature?v=1&T=3&student=cdssm-kd")
    page.locator("#rail-teacher").press("End")
    page.wait_for_url(re.compile("T=20"))
    settle(page)
    page.get_by_role("button", name="Save").click()
    with page.expect_download() as coming:
        page.get_by_role("button", name="This state").click()
    state = json.loads(Path(coming.value.path()).read_text())["state"]
    assert (state["T"], state["student"]) == ("20", "cdssm-kd")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Report").click()
    told = Path(coming.value.path()).read_text()
    assert page.locator(".st-key-finding").inner_text()[:20] in told
    assert "student=cdssm-kd" in told


def test_the_top_bar_is_one_row_with_a_selection_and_no_name_is_cut(visit, settle):
    page = visit("compare?v=1&tags=gained")
    page.get_by_text("pairs selected").wait_for()
    for width in (1440, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        assert page.locator(".st-key-top_bar").bounding_box()["height"] < 60
        assert page.locator(".st-key-top_bar input").count() >= 3
        assert page.evaluate(CUT) == []
