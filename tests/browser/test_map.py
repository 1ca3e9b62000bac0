"""The Map page by mouse and keyboard: lasso to Compare and back, a point's neighbors, links."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def open_map(visit, settle):
    """open_map("mcolor=label") -> the page with both maps drawn."""

    def go(query="", **options):
        page = visit(f"map?v=1&{query}", **options)
        page.locator(".st-key-chart_map canvas").first.wait_for()
        settle(page)
        return page

    return go


def test_a_lasso_goes_to_compare_as_a_slice_and_comes_back(open_map, settle):
    page = open_map()
    canvas = page.locator(".st-key-chart_map canvas").first
    canvas.scroll_into_view_if_needed()
    page.get_by_role("button", name="Lasso").click()
    box = canvas.bounding_box()
    center = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    corners = [(-80, -80), (80, -80), (80, 80), (-80, 80), (-80, -70)]
    page.mouse.move(center[0] + corners[0][0], center[1] + corners[0][1])
    page.mouse.down()
    for x, y in corners[1:]:
        page.mouse.move(center[0] + x, center[1] + y, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile("msel="))
    picked = page.get_by_text(re.compile(r"[\d,]+ pairs picked:")).first
    count = re.match(r"[\d,]+", picked.inner_text())[0]
    page.get_by_role("button", name="Open these pairs in Compare").click()
    expect(page.locator(".st-key-finding")).to_contain_text(f"{count} selected pairs")
    page.get_by_role("button", name="Show on the map").click()
    expect(page.get_by_text(f"{count} pairs picked:")).to_be_visible()


@pytest.mark.slow
def test_a_link_opens_a_pair_with_its_neighbors_in_both_spaces(open_map):
    page = open_map("pair=100&mcolor=label&mlayout=pca")
    card = page.locator(".st-key-chart_map")
    expect(card).to_contain_text("of its 10 nearest are the same in both original spaces")
    expect(card).to_contain_text("Pair 101")


@pytest.mark.slow
def test_back_undoes_the_choice_of_other_models(open_map, settle):
    page = open_map()
    finding = page.locator(".st-key-finding")
    before = finding.inner_text()
    page.get_by_role("button", name="Student beside its teacher").click()
    expect(finding).to_contain_text("cannot be compared")
    page.go_back()
    expect(finding).to_have_text(before)


@pytest.mark.slow
def test_maps_of_other_models_are_drawn_in_the_background_and_can_be_cancelled(open_map):
    page = open_map("mleft=cdssm-hard&mright=bert-kd")
    expect(page.locator(".st-key-finding")).to_contain_text("sampled pairs")
    page.get_by_role("button", name="Draw UMAP").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Draw UMAP")).to_be_visible()
    page.get_by_role("button", name="Draw UMAP").click()
    expect(page.get_by_role("radio", name="PCA")).to_be_visible(timeout=300_000)
    expect(page.locator(".st-key-finding")).not_to_contain_text("sampled")


@pytest.mark.slow
def test_a_box_without_pairs_says_so_and_density_has_a_scale(open_map):
    page = open_map("mcolor=density")
    scale = page.locator(".st-key-chart_map .legend")
    expect(scale).to_contain_text("Pairs per cell (log):")
    page.locator("summary", has_text="Select by numbers").click()
    for label, value in (("x from", "900000"), ("x to", "900001")):
        page.get_by_label(label, exact=True).fill(value)
        page.get_by_label(label, exact=True).press("Enter")
    page.get_by_role("button", name="Select", exact=True).click()
    expect(page.locator(".ranges")).to_contain_text("No pairs lie in this box")
    canvas = page.locator(".st-key-chart_map canvas").first
    canvas.focus()
    canvas.press("Shift+ArrowRight")
    expect(page.locator(".st-key-chart_map .tip")).to_contain_text("x, y: ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "words"), [("Queries and ads", "queries and ads;"), ("Moments of a training", "At st")]
)
def test_a_click_shows_queries_and_ads_or_moments_and_back_the_pairs(open_map, what, words):
    page = open_map(width=390)
    page.get_by_text(what, exact=True).click()
    expect(page.locator(".st-key-finding")).to_contain_text(words)
    page.go_back()
    expect(page.locator(".st-key-finding")).to_contain_text("nearest pairs")
