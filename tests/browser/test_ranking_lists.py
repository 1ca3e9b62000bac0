"""Lists and auction in a real browser: they move without the server, by mouse and by keyboard."""

from typing import Any

import numpy as np
import pytest

from kdcore.auction.frontier import Frontier, price_of_distillation
from kdcore.auction.rules import Auction, Rules

LISTS = "ranking?rtab=lists&query=3"
AUCTION = "ranking?rtab=auction&query=3"
TITLES = "(nodes) => nodes.map((node) => node.textContent)"


def own(page) -> Any:
    """The cells of the visitor's own order, top to bottom as they are read."""
    return page.locator(".list.yours .cell")


def titles(page, rows: str) -> list[str]:
    """Titles by the height at which they are drawn, whatever their order in the document."""
    page.locator(rows).first.wait_for()
    page.wait_for_timeout(150)  # a frame, in which rows begin to glide to their places
    return page.evaluate(
        """async (selector) => {
          const found = [];
          const look = (root) => {
            found.push(...root.querySelectorAll(selector));
            const hosts = [...root.querySelectorAll("*")].filter((node) => node.shadowRoot);
            hosts.forEach((host) => look(host.shadowRoot));
          };
          look(document);
          const gliding = found.flatMap((node) => node.getAnimations());
          await Promise.allSettled(gliding.map((each) => each.finished));
          const top = (node) => node.getBoundingClientRect().top;
          const text = (node) => node.querySelector(".name").textContent;
          return found.sort((a, b) => top(a) - top(b)).map(text);
        }""",
        rows,
    )


def order_of(page) -> list[str]:
    return titles(page, ".list.yours .item")


def bidders(page) -> list[str]:
    return titles(page, ".bids .bid")


def move_rail(page, rail: str, value: int, *, release: bool) -> None:
    page.locator(f"#rail-{rail}").evaluate(
        """(input, [value, release]) => {
          input.value = value;
          input.dispatchEvent(new Event("input", { bubbles: true }));
          if (release) input.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        [value, release],
    )


def test_dragging_w_reorders_without_the_server_and_tells_it_once(visit, settle):
    page = visit(AUCTION)
    page.locator("#rail-w").scroll_into_view_if_needed()
    before, box = bidders(page), page.locator("#rail-w").bounding_box()
    note = page.locator(".frontier .note").text_content()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.46, y)
    page.mouse.down()
    page.wait_for_timeout(300)
    sent = len(page.sent)
    for share in np.linspace(0.46, 0.98, 40):
        page.mouse.move(box["x"] + box["width"] * share, y)
        page.wait_for_timeout(10)
    assert bidders(page) != before
    assert page.locator(".frontier .note").text_content() != note
    assert len(page.sent) == sent
    page.mouse.up()
    page.wait_for_timeout(350)
    settle(page)
    assert len(page.sent) == sent + 1
    assert float(page.url.split("&w=")[1].split("&")[0]) > 0.5
    assert not page.errors


@pytest.mark.slow
def test_a_link_brings_back_rails_choices_and_written_bids(visit, settle):
    page = visit(AUCTION)
    move_rail(page, "slots", 2, release=True)
    page.wait_for_timeout(300)
    settle(page)
    page.get_by_role("button", name="first price").click()
    page.get_by_role("button", name="Teacher", exact=True).click()
    page.wait_for_timeout(300)
    settle(page)
    page.get_by_role("spinbutton", name="Bid of").last.fill("9.5")
    page.get_by_role("spinbutton", name="Bid of").last.press("Tab")
    page.wait_for_url("**edits=*")
    settle(page)
    again = visit(page.url.split("/", 3)[3])
    assert bidders(again) == bidders(page)
    for other in (page, again):
        assert other.locator(".bids .edited").count() == 1
        assert other.locator("#rail-slots").input_value() == "2"
        assert other.locator('button[value="first"]').get_attribute("aria-pressed") == "true"
        assert other.locator('button[value="teacher"]').get_attribute("aria-pressed") == "true"
    assert again.url == page.url
    assert "bids=simulated" in again.url


def test_money_that_is_simulated_says_so_in_the_picture(visit):
    page = visit(AUCTION)
    assert page.locator(".frontier svg .stamp").text_content() == "simulated bids and clicks"
    assert page.locator(".simulated").count() == 1


@pytest.mark.slow
def test_alt_and_arrows_move_an_ad_score_it_and_come_back_by_link(visit, settle):
    page = visit(LISTS)
    before, score = order_of(page), page.locator(".grid .head.yours .score")
    said = score.text_content()
    own(page).first.focus()
    for _ in range(6):
        page.keyboard.press("Alt+ArrowDown")
    after = order_of(page)
    assert after == [*before[1:7], before[0], *before[7:]]
    page.wait_for_url("**scratch=*")
    settle(page)
    again = visit(page.url.split("/", 3)[3])
    assert order_of(again) == after
    assert again.locator(".grid .head.yours .score").text_content() == score.text_content()
    assert score.text_content() != said or len(set(before[:7])) == 1


def test_arrows_walk_down_a_column_and_across_to_the_same_ad(visit):
    page = visit(LISTS)
    page.locator(".list.teacher .cell").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    lit = page.locator(".cell.lit .name").evaluate_all(TITLES)
    assert len(set(lit)) == 1
    assert len(lit) == page.locator(".grid .head").count()
    focused = "document.activeElement.shadowRoot.activeElement.closest('ol').className"
    assert "student" in page.evaluate(focused)


def test_an_ad_is_dragged_to_its_place_with_one_message(visit, settle):
    page = visit(LISTS, height=1400)
    before = order_of(page)
    cells = own(page)
    cells.first.scroll_into_view_if_needed()
    start, end = cells.first.bounding_box(), cells.nth(3).bounding_box()
    page.mouse.move(start["x"] + 60, start["y"] + 25)
    page.mouse.down()
    page.wait_for_timeout(200)
    sent = len(page.sent)
    for step in np.linspace(0, 1, 12):
        page.mouse.move(start["x"] + 60, start["y"] + 25 + step * (end["y"] - start["y"]))
    page.wait_for_timeout(50)
    assert len(page.sent) == sent
    page.mouse.up()
    assert order_of(page) == [*before[1:4], before[0], *before[4:]]
    page.wait_for_url("**scratch=*")
    settle(page)
    assert len(page.sent) == sent + 1
    assert "pair=" not in page.url  # a drag is no pick


def test_a_click_picks_the_pair_for_every_page(visit, settle):
    page = visit(LISTS)
    page.locator(".list.student .cell").nth(1).click()
    page.wait_for_url("**pair=*")
    settle(page)
    assert page.locator('.list.student .cell[aria-pressed="true"]').count() == 1


def test_moves_are_told_by_direction_dash_and_sign(visit):
    page = visit(LISTS)
    for kind, sign, dashed in (("up", "▲", False), ("down", "▼", True)):
        group = page.locator(f"svg.moves .move.{kind}").first
        assert group.locator("text").text_content().startswith(sign)
        dash = group.locator("path").evaluate("(n) => getComputedStyle(n).strokeDasharray")
        assert (dash != "none") == dashed


def test_without_motion_rows_jump(visit):
    page = visit(AUCTION, still=True)
    page.locator(".bids .bid").first.wait_for()
    style = page.locator(".bids .bid").first.evaluate(
        "(n) => getComputedStyle(n).transitionDuration"
    )
    assert style == "0s"


HOLD = """(cases) => cases.map(({bids, clicks, defects, rules, turns}) => {
  const held = m.holdAuction(bids, clicks, defects, rules, turns);
  const {scores, places, states, prices, revenue} = held;
  return {scores, places, states, prices, revenue};
})"""
READ = """([teacher, student, weights, ws]) => ws.map((w) => {
  const level = m.readAt(weights, teacher.defect, w);
  return [level, m.bestRevenue(teacher, level), m.bestRevenue(student, level)];
})"""


@pytest.fixture(scope="module")
def arithmetic(open_module):
    """hold.js in an empty page."""
    return open_module("app/views/ranking/parts/paired_lists/hold.js")


def test_the_browser_holds_the_engines_auction(arithmetic):
    """1,000 queries with ties, dead clicks, negative scores and both prices."""
    rng = np.random.default_rng(4)
    cases, expected = [], []
    for case in range(1000):
        n = int(rng.integers(1, 25))
        bids, clicks = np.round(rng.lognormal(0, 0.6, n), 1), np.round(rng.uniform(0, 0.3, n), 1)
        defects = np.round(rng.random(n), 1)
        pricing = ("second", "first")[case % 2]
        weight, reserve = float(rng.choice([0, 0.1, 1])), float(rng.choice([0, 0.05]))
        rules = Rules(weight, int(rng.integers(1, 6)), reserve, pricing)  # type: ignore[arg-type]
        turns = rng.permutation(n) if case % 3 else None
        expected.append(Auction(bids, clicks, defects, np.zeros(n, int), turns).hold(rules))
        said = {"w": weight, "slots": rules.slots, "reserve": reserve, "pricing": pricing}
        cases.append(
            {
                "bids": bids.tolist(),
                "clicks": clicks.tolist(),
                "defects": defects.tolist(),
                "rules": said | {"attention": rules.attention},
                "turns": None if turns is None else turns.tolist(),
            }
        )
    for told, held in zip(arithmetic.evaluate(HOLD, cases), expected, strict=True):
        assert told["places"] == held.places.tolist()
        assert told["states"] == held.states.tolist()
        for name in ("scores", "prices", "revenue"):
            np.testing.assert_allclose(told[name], getattr(held, name), atol=1e-12)


def test_the_browser_reads_the_price_of_distillation_as_the_engine_does(arithmetic):
    rng = np.random.default_rng(8)
    weights = 2 * np.linspace(0, 1, 30) ** 3

    def made(shift: float) -> Frontier:
        queries = np.ones(5)
        defect = np.sort(rng.random(30))[::-1] * 0.4 + shift
        money = np.sort(rng.random(30))[::-1] + 1
        ones = np.ones((30, 5))
        return Frontier(weights, np.outer(money, queries), np.outer(defect, queries), ones, money)

    teacher, student = made(0.0), made(0.02)
    sent = [
        {"defect": f.mean_defect.tolist(), "revenue": f.mean_revenue.tolist()}
        for f in (teacher, student)
    ]
    ws = rng.uniform(0, 2.2, 200).tolist()
    for w, told in zip(ws, arithmetic.evaluate(READ, [*sent, weights.tolist(), ws]), strict=True):
        price = price_of_distillation(teacher, student, w, resamples=0)
        values = [np.nan if v is None else v for v in told]
        np.testing.assert_allclose(values, [price.defect, price.teacher, price.student], atol=1e-9)
