"""Compare's picture by mouse and by keyboard alone: what moves, what is sent, what a link says."""

import base64
import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from kdcore.analysis.outcomes import CELLS, outcome_of

DENSITY = "app/views/compare/parts/joint_density"
CANVAS = ".joint canvas[role=img]"
ROWS = 60


@pytest.fixture
def open_page(visit, story):
    """open_page("ct=0.4") -> the page, its picture drawn."""

    def go(query="", **options):
        page = visit(f"compare?v=1&{query}", at=story, **options)
        page.wait_for_selector(f"{CANVAS}[data-frame]")
        page.locator(CANVAS).scroll_into_view_if_needed()
        return page

    return go


def asked(page) -> dict[str, str]:
    found = parse_qs(urlsplit(page.url).query)
    return {name: values[0] for name, values in found.items() if name not in ("v", "dh", "rh")}


def place(page, x: float, y: float) -> tuple[float, float]:
    """Where a teacher's and a student's probability stand on the screen; see picture.js."""
    box = page.locator(CANVAS).bounding_box()
    small = box["width"] < 420
    left, right, top = (46, 34, 34) if small else (58, 56, 50)
    wide = box["width"] - left - right
    high = box["height"] - top - (46 if small else 50)
    return box["x"] + left + x * wide, box["y"] + top + (1 - y) * high


def cells(page) -> dict[str, int]:
    """The cube as the browser counts it."""
    counts = page.locator(".joint .cell .count")
    order = [f"{g}{t}{s}" for g in "10-" for t in "10" for s in "10"]
    texts = [counts.nth(k).text_content() or "0" for k in range(counts.count())]
    return {cell: int(text.replace(",", "")) for cell, text in zip(order, texts, strict=True)}


def outcomes(page) -> dict[str, int]:
    """Who is right as Python counts it, in the filter rail."""
    options = page.locator(".kd [role=toolbar]").first.locator("button")
    labels = [options.nth(k).get_attribute("aria-label") for k in range(options.count())]
    return {text.split(":")[0]: int(re.findall(r"(\d+) pairs", text)[0]) for text in labels}


def agree(page) -> bool:
    """Whether the browser's cube says what Python's rail says."""
    names = {"both": "both right", "only_teacher": "only the teacher right"}
    names |= {"only_student": "only the student right", "neither": "both wrong"}
    cube, rail = cells(page), outcomes(page)
    return all(
        rail[title] == sum(n for cell, n in cube.items() if outcome_of(cell) == outcome)
        for outcome, title in names.items()
    )


def test_dragging_a_threshold_moves_the_cube_at_once_and_tells_the_server_once(open_page, settle):
    page = open_page()
    seen = {tuple(cells(page).values())}
    page.mouse.move(*place(page, 0.5, 0.8))
    page.mouse.down()
    page.sent.clear()
    for x in (0.45, 0.35, 0.25, 0.15):
        page.mouse.move(*place(page, x, 0.8))
        page.wait_for_timeout(60)
        seen.add(tuple(cells(page).values()))
    assert len(seen) >= 4
    assert page.sent == []
    page.mouse.up()
    page.wait_for_url("**ct=0.15*")
    settle(page)
    assert len(page.sent) == 1
    assert agree(page)
    assert page.errors == []


def test_arrow_keys_move_a_threshold_and_a_rest_releases_it(open_page, settle):
    page = open_page()
    page.get_by_label("Student's threshold").focus()
    page.sent.clear()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_url("**cs=0.55*")
    settle(page)
    assert 1 <= len(page.sent) < 5  # one a rest: a busy machine may rest between two keys
    assert agree(page)


def test_a_box_that_is_drawn_selects_by_a_predicate_of_a_few_bytes(open_page, settle):
    page = open_page()
    page.sent.clear()
    page.mouse.move(*place(page, 0.55, 0.95))
    page.mouse.down()
    page.mouse.move(*place(page, 0.95, 0.55), steps=8)
    page.mouse.up()
    page.wait_for_url("**box=*")
    settle(page)
    assert len(page.sent) == 1
    box = [float(v) for v in asked(page)["box"].split(",")]
    assert box == pytest.approx([0.55, 0.95, 0.55, 0.95], abs=0.02)
    inside = int(re.findall(r"\d+", page.locator(".joint .status").inner_text())[0])
    assert page.locator(".left.num").inner_text() == f"{inside} of {ROWS} pairs"
    assert len(page.sent[0]) < 4096
    page.locator(".edges button").click()
    settle(page)
    assert "box" not in asked(page)


def test_four_sliders_draw_the_same_box_without_a_mouse(open_page, settle):
    page = open_page()
    page.locator(".edges summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Box: Teacher to").focus()
    page.sent.clear()
    for _ in range(3):
        page.keyboard.press("PageDown")
    page.wait_for_url("**box=*")
    settle(page)
    assert 1 <= len(page.sent) < 3
    assert asked(page)["box"].startswith("0,0.")
    assert asked(page)["box"].endswith(",0,1")


@pytest.mark.slow
def test_a_click_on_a_point_reads_its_texts(open_page, settle):
    page = open_page("pair=3")
    sums = page.locator(".joint .bar .num")
    x, y = (float(sums.nth(k).inner_text().split()[0]) for k in (0, 1))
    page.get_by_label("Next pair shown").click()
    page.wait_for_url("**pair=4*")
    settle(page)
    page.mouse.move(*place(page, x, y))
    page.wait_for_timeout(150)
    assert page.locator(".joint .where").inner_text() == "Pair 4"
    page.sent.clear()
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**pair=3*")
    settle(page)
    assert len(page.sent) == 1
    assert page.locator(".joint .query").inner_text() == "Query thing 0"
    assert page.locator(".joint .adtitle").inner_text() == "<b>offer</b> *3* of thing 0"


def test_pressed_cells_keep_only_their_pairs_and_a_link_opens_them(open_page, settle):
    page = open_page()
    wanted = cells(page)["110"]
    page.get_by_role("button", name=re.compile("label relevant, teacher yes, student no")).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**outcomes=110*")
    settle(page)
    assert page.locator(".left.num").inner_text() == f"{wanted} of {ROWS} pairs"
    again = open_page("outcomes=110")
    assert again.locator(".cell[aria-pressed=true]").count() == 1
    assert again.locator(".left.num").inner_text() == f"{wanted} of {ROWS} pairs"


@pytest.mark.slow
def test_filters_are_walked_by_keys_and_counted_under_each_other(open_page, settle):
    page = open_page()
    first = page.locator(".kd [role=toolbar]").nth(1).locator("button").first
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**grades=1*")
    settle(page)
    assert agree(page)
    left = int(page.locator(".left.num").inner_text().split()[0])
    assert sum(outcomes(page).values()) == left
    page.get_by_role("button", name="Clear all").click()
    settle(page)
    assert asked(page) == {}


@pytest.mark.slow
def test_a_search_counts_as_you_type_and_is_sent_when_you_rest(open_page, settle):
    page = open_page()
    page.locator("#search").focus()
    page.sent.clear()
    page.keyboard.insert_text("thing")
    page.keyboard.insert_text(" 3")
    page.wait_for_url("**find=thing+3*")
    settle(page)
    assert len(page.sent) == 1
    assert page.locator(".left.num").inner_text().endswith(f"of {ROWS} pairs")
    assert not page.locator(".left.num").inner_text().startswith(f"{ROWS} ")


def test_points_cross_the_wire_once_whatever_is_filtered(open_page, settle):
    page = open_page()
    held = "() => { window.kept ??= [...window.kdPoints.values()][0];"
    page.evaluate(held + "return true; }")
    page.locator(".joint .cell").first.click()
    page.wait_for_url("**outcomes=*")
    settle(page)
    assert page.evaluate(held + "return window.kept === [...window.kdPoints.values()][0]; }")


def test_it_fits_a_phone_and_folds_its_filters(open_page):
    page = open_page(width=390, height=844)
    assert page.locator("details.rail").get_attribute("open") is None
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    box = page.locator(CANVAS).bounding_box()
    assert box["x"] + box["width"] <= 390


CASES = """({x, y, grade, from, bits, ct, cs, box, cells}) => {
  const points = {x: Float32Array.from(x), y: Float32Array.from(y), z: null};
  points.gold = m.goldOf(Uint8Array.from(grade), from);
  const chosen = Uint8Array.from(m.CELLS, (c) => (cells.includes(c) ? 1 : 0));
  const out = m.tally(points);
  const asked = {mask: m.unpack(bits, x.length), chosen, box, ct, cs};
  m.count(points, asked, out);
  const near = m.nearest(points, m.index(points), out.shown, 0.4, 0.6, 0.2);
  return {names: m.CELLS, cube: [...out.cube], drawn: out.drawn, boxed: out.boxed, near};
}"""


def test_the_browser_counts_what_python_counts_on_random_pairs_and_edges(open_module):
    page = open_module(f"{DENSITY}/counts.js")
    rng = np.random.default_rng(3)
    for n in (1, 8, 9, 500):
        x, y = rng.choice(np.linspace(0, 1, 11), (2, n)).astype(np.float32).astype(float)
        grade, mask = rng.choice([0, 1, 2, 255], n), rng.random(n) < 0.7
        cs, box = float(np.float32(0.3)), [0.2, 0.8, 0.1, 0.9]
        some = ["111", "100", "-10", "001"]
        bits = base64.b64encode(np.packbits(mask, bitorder="little").tobytes()).decode()
        asked = {"x": x.tolist(), "y": y.tolist(), "grade": grade.tolist(), "from": 1, "bits": bits}
        found = page.evaluate(CASES, asked | {"ct": 0.5, "cs": cs, "box": box, "cells": some})
        assert tuple(found["names"]) == CELLS
        inside = mask & (x >= 0.2) & (x <= 0.8) & (y >= 0.1) & (y <= 0.9)
        gold = np.where(grade == 255, 2, grade >= 1)
        cell = 4 * gold + 2 * (x >= 0.5) + (y >= cs)
        assert found["cube"] == np.bincount(cell[inside], minlength=12).tolist()
        chosen = mask & np.isin(cell, [CELLS.index(c) for c in some])
        assert (found["drawn"], found["boxed"]) == (chosen.sum(), (chosen & inside).sum())
        far = np.where(chosen, (x - 0.4) ** 2 + (y - 0.6) ** 2, 9)
        least = far.min() if n else 9
        assert (found["near"] >= 0) == (least < 0.04)
        if found["near"] >= 0:
            assert far[found["near"]] == pytest.approx(least)


RATES = """({x, gold, cut}) => {
  const cube = new Int32Array(12);
  x.forEach((v, i) => { cube[4 * gold[i] + (v >= cut ? 2 : 0)] += 1; });
  return [m.ratesOf(m.confusion(cube, 2)), m.bestCut(x, gold, () => true)];
}"""


def test_rates_at_a_threshold_and_the_best_f1_are_those_of_scikit_learn(open_module):
    page = open_module(f"{DENSITY}/rates.js")
    rng = np.random.default_rng(11)
    for n in (2, 9, 300):
        x = rng.choice(np.linspace(0, 1, 21), n)
        gold = np.r_[1, rng.integers(0, 2, n - 1)]
        asked = {"x": x.tolist(), "gold": gold.tolist(), "cut": 0.35}
        rates, best = page.evaluate(RATES, asked)
        says = x >= 0.35
        wanted = precision_recall_fscore_support(
            gold, says, average="binary", zero_division=np.nan
        )[:3]
        found = [rates[name] for name in ("precision", "recall", "F1")]
        np.testing.assert_allclose(np.array(found, dtype=float), wanted, rtol=1e-12)
        assert rates["accuracy"] == pytest.approx((says == gold).mean())
        scores = [f1_score(gold, x >= cut) for cut in np.unique(x)]
        assert f1_score(gold, x >= best) == pytest.approx(max(scores))
