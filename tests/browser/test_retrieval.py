"""Page Retrieval in a browser: cuts that are typed, columns on a projector, the lesson's effort."""

import csv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CUT = """li => {
  const title = li.querySelector('.title');
  return title.scrollHeight > title.clientHeight || title.offsetHeight > li.clientHeight - 6;
}"""


def test_a_typed_cut_out_of_range_is_refused_and_the_range_is_said(visit):
    page = visit("retrieval?v=1&ftab=funnel")
    box = page.get_by_role("spinbutton", name="ads that ANN hands on")
    box.fill("5000")
    box.press("Enter")
    page.get_by_text("1 to 200", exact=True).wait_for()
    assert "fcut" not in page.url
    box.fill("40")
    box.press("Enter")
    page.wait_for_url("**fcut=40**")


def test_no_title_is_cut_through_a_line_on_a_projector(visit, settle):
    page = visit("retrieval?v=1&present=1")
    page.locator(".found li").first.wait_for()
    settle(page)
    cuts = [item.evaluate(CUT) for item in page.locator(".found li").all()]
    assert len(cuts) == 40
    assert not any(cuts)


def test_the_effort_of_a_lessons_step_stays_when_a_cut_moves(visit, settle):
    page = visit("retrieval?v=1&lesson=retrieval&ftab=search&fq=40&findex=lists&feffort=0")
    page.locator(".st-key-w_feffort").get_by_role("slider").press("End")
    page.wait_for_url("**feffort=4**")
    page.get_by_role("button", name="Next").click()
    page.wait_for_url("**feffort=3**")
    box = page.get_by_role("spinbutton", name="ads that the teacher reads")
    box.fill("60")
    box.press("Enter")
    page.wait_for_url("**forder=60**")
    settle(page)
    assert "feffort=3" in page.url


def test_save_gives_the_rows_of_the_funnel_with_n_and_intervals(visit):
    page = visit("retrieval?v=1&ftab=funnel")
    page.get_by_role("button", name="Save").first.click()
    button = page.get_by_role("button", name="Numbers of this page (CSV)")
    button.wait_for()
    with page.expect_download(timeout=60_000) as coming:
        button.click()
    with Path(coming.value.path()).open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["after"]]
    assert [row["after"] for row in rows][:3] == ["ANN", "student", "teacher"]
    for row in rows[:3]:
        assert float(row["95 % low"]) < float(row["nDCG@5"]) < float(row["95 % high"])
        assert row["queries"] == "100"
    assert page.get_by_role("button", name="All metrics (CSV)").count() == 0
