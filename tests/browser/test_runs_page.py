"""The Runs page by mouse and keyboard: the brush, the table's boxes, side by side, a note."""

import re

import pytest

from kdcore.workspace import Workspace

COUNT = len(list(Workspace.bundled().runs.glob("*/model")))  # scores have none
LOWEST = "test ROC-AUC, lowest kept"
INSIDE = re.compile(rf"of {COUNT} runs are inside the brush")


def link_of(page, part: str) -> None:
    page.wait_for_function("part => location.search.includes(part)", arg=part)


def test_a_brush_is_pulled_by_keys_and_chooses_the_runs_inside(visit, settle):
    page = visit("runs?v=1&rview=parallel")
    handle = page.get_by_label(LOWEST)
    handle.focus()
    for _ in range(6):
        page.keyboard.press("PageUp")
    page.get_by_text(INSIDE).wait_for()
    link_of(page, "rbrush=test")
    settle(page)
    inside = int(page.get_by_text(INSIDE).inner_text().split()[0])
    assert 0 < inside < COUNT
    page.get_by_text(re.compile(rf"{COUNT} runs.*, {inside} chosen")).wait_for()
    page.get_by_role("button", name="Clear the brush").click()
    page.get_by_role("button", name=f"Select all {COUNT}").wait_for()
    assert "rbrush" not in page.url
    assert not page.errors


def test_a_brush_is_dragged_and_tells_the_server_once(visit, settle):
    page = visit("runs?v=1&rview=parallel", height=1500)
    page.get_by_label(LOWEST).wait_for()
    measuring = page.get_by_text("being evaluated in the background")
    measuring.wait_for(state="detached", timeout=120_000)  # it asks the server every second
    settle(page)
    box = page.get_by_label(LOWEST).bounding_box()
    x, foot = box["x"] + box["width"] / 2, box["y"] + box["height"] - 9
    page.mouse.move(x, foot)
    page.mouse.down()
    before = len(page.sent)
    for step in range(1, 9):
        page.mouse.move(x, foot - 12 * step)
    assert len(page.sent) == before
    page.mouse.up()
    link_of(page, "rbrush=test")
    settle(page)
    assert page.get_by_text(INSIDE).count() == 1


def test_a_box_of_the_table_chooses_a_run_and_opens_it(visit, settle):
    page = visit("runs?v=1&rsort=title")
    grid = page.locator('[data-testid="stDataFrame"]').first.bounding_box()
    page.mouse.click(grid["x"] + 16, grid["y"] + 35 + 17)  # the first run's box
    link_of(page, "rpick=bert-kd")
    settle(page)
    page.get_by_text(re.compile(rf"{COUNT} runs.*, 1 chosen")).wait_for()
    assert "(bert-kd)" in page.locator(".st-key-runs_open input").input_value()
    page.mouse.click(grid["x"] + 16, grid["y"] + 35 + 52)
    link_of(page, "bert-hard")
    settle(page)
    page.get_by_role("radio", name="Side by side").click()
    link_of(page, "rview=diff")
    settle(page)
    assert page.locator('[data-testid="stDataFrame"]').count() == 2
    page.get_by_role("button", name="Open in Compare").click()
    page.get_by_role("heading", name="Compare", level=1).wait_for()
    link_of(page, "rival=")


@pytest.mark.slow
def test_a_note_is_there_at_the_next_visit(visit, settle):
    page = visit("runs?v=1&ropen=bert-kd")
    page.get_by_label("Note", exact=True).fill("<b>worth</b> another seed")
    page.get_by_label("Tags, with commas between").fill("candidate")
    page.keyboard.press("Tab")
    settle(page)
    again = visit("runs?v=1&ropen=bert-kd")
    assert again.get_by_label("Note", exact=True).input_value() == "<b>worth</b> another seed"
    assert again.get_by_label("Tags, with commas between").input_value() == "candidate"
