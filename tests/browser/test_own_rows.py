"""An own table from import to both pages of geometry: scored, seen on Map, searched on Retrieval.

KDLAB_OWN_ROWS=100000 walks the same way with that many rows; it then takes about an hour.
"""

import os
import re

import pytest
from playwright.sync_api import expect

from kdcore.data.world.traffic import split_frame

pytestmark = pytest.mark.slow

ROWS = int(os.environ.get("KDLAB_OWN_ROWS", "600"))
LONG = 3_600_000  # ms; teacher and drawing work in the background
GRADES = ("Bad", "Fair", "Good", "Excellent")


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> str:
    """A file of query, title, description and label: the world's texts with another seed."""
    frame = split_frame("test", ROWS, seed=11)
    named = frame.assign(label=[GRADES[grade] for grade in frame["grade"]])
    path = tmp_path_factory.mktemp("rows") / "own.tsv"
    named[["query", "title", "description", "label"]].to_csv(path, sep="\t", index=False)
    return str(path)


def press(page, name) -> None:
    page.get_by_role("button", name=name).first.click()


def go_to(page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    expect(page.locator("h1")).to_have_text(name)


def lasso(page) -> str:
    """Draw a lasso around the middle of the left map; the number of picked pairs as it is shown."""
    canvas = page.locator(".st-key-chart_map canvas").first
    canvas.scroll_into_view_if_needed()
    press(page, "Lasso")
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    page.mouse.move(x - 80, y - 80)
    page.mouse.down()
    for dx, dy in ((80, -80), (80, 80), (-80, 80), (-80, -70)):
        page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()
    words = page.get_by_text(re.compile(r"[\d,]+ pairs picked[:.]")).first
    return re.match(r"[\d,]+", words.inner_text())[0]


def test_own_rows_are_scored_seen_on_map_and_searched_on_retrieval(
    visit, settle, serve, tmp_path, rows
):
    page = visit("data?v=1&dtab=bring", at=serve(tmp_path))
    page.locator('input[type="file"]').first.set_input_files(rows)
    press(page, re.compile(f"^Import {ROWS:,} pairs"))
    press(page, f"Score {ROWS:,} pairs with 3 models")
    page.get_by_role("button", name="Open Compare").wait_for(timeout=LONG)
    settle(page)

    go_to(page, "Map")
    finding = page.locator(".st-key-finding")
    expect(finding).to_contain_text("nearest pairs")
    expect(finding).to_contain_text("sampled pairs")  # PCA, at once
    press(page, "Draw UMAP")
    press(page, "Cancel")
    press(page, "Draw UMAP")
    expect(page.get_by_role("progressbar").first).to_be_visible()
    expect(page.get_by_role("radio", name="PCA")).to_be_visible(timeout=LONG)
    expect(finding).to_contain_text(f"n = {min(ROWS, 100_000):,} pairs")
    settle(page)
    count = lasso(page)
    press(page, "Open these pairs in Compare")
    expect(finding).to_contain_text(f"{count} selected pairs")
    press(page, "Show on the map")
    expect(page.get_by_text(f"{count} pairs picked:")).to_be_visible()

    go_to(page, "Retrieval")
    expect(finding).to_contain_text("is not measured here yet")
    expect(page.get_by_text("The teacher then reads about")).to_be_visible()
    press(page, "Measure retrieval here")
    expect(finding).to_contain_text("of the true best", timeout=LONG)
    expect(page.get_by_text("queries of these pairs over")).to_be_visible()
    page.get_by_label("or any other query").fill("cheap red sofas")
    page.get_by_label("or any other query").press("Enter")
    expect(finding).to_contain_text("“cheap red sofas”")
    expect(finding).to_contain_text("is not known for this query")
    page.get_by_text("Recall and time", exact=True).click()
    expect(finding).to_contain_text("recall@10")
    page.get_by_text("Funnel", exact=True).click()
    expect(finding).to_contain_text("nDCG@5")
    expect(page.get_by_text("an ad without a label counts as worth nothing").first).to_be_visible()
    cells = page.locator(".funnel tbody tr").nth(2).locator("td")
    expect(cells.nth(3)).to_have_text(re.compile(r"^0\.\d{3} \[0\.\d{3}, [01]\.\d{3}\]$"))
    assert page.errors == []
