"""The Temperature page by mouse and by keyboard alone: what moves, what is sent, what is kept."""

import re

import pytest
from playwright.sync_api import expect

RAIL = "#rail-teacher"
KEYBOARD = """() => {
  let node = document.activeElement;
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  return node?.id || node?.textContent || "";
}"""
PICTURE = "node => node.toDataURL()"


@pytest.fixture
def open_page(visit, story, settle):
    """open_page("T=4") -> the page, its pictures drawn."""

    def go(query="", **options):
        page = visit(f"temperature?v=1&{query}", at=story, **options)
        page.wait_for_selector(".trail .fill.teacher", state="attached")
        page.wait_for_function(
            "() => window.kdStage?.world && window.kdStage.pair >= 0", timeout=20_000
        )
        settle(page)
        return page

    return go


def bars(page) -> list[str]:
    fills = page.locator(".trail .fill")
    return [fills.nth(k).get_attribute("style") for k in range(fills.count())]


def density(page) -> str:
    return page.locator(".trail canvas").evaluate(PICTURE)


def shown(page) -> float:
    return float(page.locator(".line.teacher .typed").input_value())


def place(page, share: float) -> tuple[float, float]:
    box = page.locator(RAIL).bounding_box()
    return box["x"] + 8 + (box["width"] - 16) * share, box["y"] + box["height"] / 2


def test_a_drag_moves_bars_and_density_and_sends_one_message_at_its_release(open_page, settle):
    page = open_page()
    middle = 0.4744  # T = 2 on the rail from 0.25 to 20
    page.mouse.move(*place(page, middle))
    page.mouse.down()
    sent, seen = len(page.sent), set()
    for share in (0.55, 0.65, 0.8, 0.95):
        page.mouse.move(*place(page, share), steps=4)
        page.wait_for_timeout(120)
        seen.add((tuple(bars(page)), density(page)))
    assert len(seen) == 4
    assert len(page.sent) == sent
    page.mouse.up()
    page.wait_for_url(re.compile("T=1"))
    settle(page)
    assert len(page.sent) == sent + 1
    assert shown(page) > 10
    assert page.errors == []


def test_the_journey_works_by_keyboard_alone(open_page, settle):
    page = open_page("pair=3")
    stops = 0
    while page.evaluate(KEYBOARD) != "rail-teacher" and stops < 60:
        page.keyboard.press("Tab")
        stops += 1
    navigation = page.locator('[data-testid="stSidebar"] :is(a, button)').count()
    assert stops <= navigation + 12, "the rail is too far away"
    page.keyboard.press("ArrowRight")
    entry = page.locator(".line.teacher .typed")
    expect(entry).to_have_value("2.18")  # an eighth of a doubling
    page.keyboard.press("Shift+ArrowRight")
    expect(entry).to_have_value("4.36")
    page.keyboard.press("ArrowDown")
    page.wait_for_url(re.compile("pair=4"))
    assert "T=4.36" in page.url
    settle(page)
    assert page.evaluate(KEYBOARD) == "rail-teacher"  # the rerun took no focus away
    page.keyboard.press(" ")
    expect(entry).not_to_have_value("4.36")
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="▶ Play")).to_be_visible()


def test_back_and_forward_move_the_rail(open_page, settle):
    page = open_page()
    entry = page.locator(".line.teacher .typed")
    page.locator(RAIL).focus()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_url(re.compile("T=4"))
    settle(page)
    page.go_back()
    expect(entry).to_have_value("2.00")
    settle(page)
    page.go_forward()
    expect(entry).to_have_value("4.00")


def test_a_typed_temperature_is_the_one_shown_and_one_out_of_range_is_told(open_page, settle):
    page = open_page()
    entry = page.locator(".line.teacher .typed")
    range_ = page.locator(".line.teacher .typed-range")
    for typed, held, url in (
        ("4", "4.00", "T=4&"),
        ("3,5", "3.50", "T=3.5"),
        ("12.34", "12.34", "T=12.34"),
    ):
        entry.click()
        entry.fill(typed)
        entry.press("Enter")
        expect(entry).to_have_value(held)
        page.wait_for_url(re.compile(re.escape(url)))
    settle(page)
    for typed in ("50", "0.1", "warm"):
        entry.fill(typed)
        entry.press("Enter")
        expect(range_).to_have_text("0.25 to 20")
        expect(entry).to_have_value(typed)  # what was typed is not silently another number
        assert "T=12.34" in page.url
    entry.press("Escape")
    expect(entry).to_have_value("12.34")
    entry.fill("7")
    entry.press("Tab")
    expect(entry).to_have_value("7.00")
    expect(range_).to_be_hidden()


def test_the_keys_of_the_list_act_wherever_no_control_has_the_focus(open_page, settle):
    page = open_page("pair=3")
    page.locator(".st-key-finding").click()  # the page itself
    page.keyboard.press("ArrowDown")
    page.wait_for_url(re.compile("pair=4"))
    settle(page)
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="❚❚ Pause")).to_be_visible()
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="▶ Play")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Next", exact=True).focus()
    before = page.url
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(500)
    assert page.url == before  # a control has the focus: its keys are its own


def test_a_link_restores_temperatures_axis_pair_and_tab(open_page):
    page = open_page("T=4&Ts=8&linked=0&log=1&pair=7&ttab=gradient")
    assert shown(page) == 4
    assert float(page.locator(".line.student .typed").input_value()) == 8
    assert page.get_by_role("checkbox", name="log axis").is_checked()
    assert not page.get_by_role("checkbox", name="one T for both").is_checked()
    assert "pair 8 of 60" in page.locator(".st-key-temperature_pair").inner_text()
    assert page.locator(".gradient .plot").is_visible()


def test_the_student_rail_moves_the_student_only(open_page):
    page = open_page("linked=0&T=2&Ts=2")
    before = bars(page)
    page.locator("#rail-student").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_timeout(200)
    after = bars(page)
    assert before[::2] == after[::2]  # teacher and student take turns, row by row
    assert before[1::2] != after[1::2]
    assert page.get_by_role("button", name="T² · KL").inner_text().split("\n")[1] == "–"


def test_a_guess_hides_the_student_until_it_is_revealed(open_page, settle):
    page = open_page("pair=3")
    student = page.locator(".cell.right .value").first
    told = student.inner_text()
    page.get_by_role("checkbox", name="guess first").click()
    page.wait_for_url(re.compile("guess=1"))
    expect(student).to_have_text("?")
    assert told not in page.locator(".numbers tbody tr").first.inner_text().split("\t")[6:7]
    page.get_by_label("Your guess: excellent").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".line.teacher .typed")).to_have_value("2.00")
    page.keyboard.press("End")
    expect(page.locator("section.guess output").first).not_to_have_text("0.25")
    page.get_by_role("button", name="Reveal the student").click()
    expect(student).to_have_text(told)
    expect(page.locator(".verdict")).to_contain_text("Your guess misplaces")


BUTTONS = (
    "▶ Play",
    "❚❚ Pause",
    "T = 3.00 in training",
    "Previous",
    "Next",
    "Surprise me",
    "Most changed by T",
)


def test_every_button_changes_something(open_page, settle):
    page = open_page("pair=3")
    for name in BUTTONS:
        before = (bars(page), density(page), page.url, name_of_play(page))
        page.get_by_role("button", name=name).first.click()
        for _ in range(200):
            if (bars(page), density(page), page.url, name_of_play(page)) != before:
                break
            page.wait_for_timeout(50)
        else:
            raise AssertionError(f"{name} changes nothing")
        settle(page)


def name_of_play(page) -> str:
    return page.locator(".play").inner_text()


def test_every_box_changes_the_picture_and_the_link(open_page, settle):
    page = open_page("pair=3")
    for label in ("one T for both", "log axis", "guess first"):
        before = page.url, page.locator(".trail").bounding_box()["height"], bars(page)
        page.get_by_role("checkbox", name=label).click()
        page.wait_for_function("url => location.href !== url", arg=before[0])
        settle(page)
        assert (page.locator(".trail").bounding_box()["height"], bars(page)) != before[1:]


TABS = {
    "Gradient: why T²": ".gradient .dot.scaled",
    "Sure or unsure": ".sure canvas",
    "Label smoothing": ".smoothing .soft i",
    "Replay of training": ".replay .line circle",
    "Numbers": ".numbers tbody td",
}
LOOK = "node => node.toDataURL ? node.toDataURL() : node.closest('.kd').innerHTML"


@pytest.mark.slow
def test_every_tab_follows_the_rail_without_the_server(open_page, settle):
    page = open_page()
    for turn, (tab, part) in enumerate(TABS.items()):
        page.get_by_role("radio", name=tab).or_(page.get_by_role("button", name=tab)).click()
        page.wait_for_selector(part, state="attached")
        settle(page)
        before, sent = page.locator(part).first.evaluate(LOOK), len(page.sent)
        page.mouse.move(*place(page, 0.3))
        page.mouse.down()
        page.mouse.move(*place(page, 0.6 + turn / 20), steps=5)
        page.wait_for_timeout(200)
        assert page.locator(part).first.evaluate(LOOK) != before, tab
        assert len(page.sent) == sent, tab
        page.mouse.up()
        settle(page)


def test_the_replay_is_scrubbed_in_the_browser_and_kept_in_the_link(open_page, settle):
    page = open_page("ttab=replay")
    page.wait_for_selector(".replay .line circle", state="attached")
    settle(page)
    slider = page.locator(".replay #moment")
    slider.scroll_into_view_if_needed()
    finding, sent = page.locator(".replay .finding").inner_text(), len(page.sent)
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2, steps=8)
    page.wait_for_timeout(200)
    assert page.locator(".replay .finding").inner_text() != finding
    assert len(page.sent) == sent
    page.mouse.up()
    page.wait_for_url(re.compile("moment=0"))
    settle(page)
    assert len(page.sent) == sent + 1
    assert "step 5 of 40" in page.locator(".replay output").inner_text()


def test_smoothing_and_its_match_button_move_the_smoothed_label(open_page):
    page = open_page("ttab=smoothing")
    bar = page.locator(".smoothing .smooth i").first
    page.wait_for_selector(".smoothing .smooth i", state="attached")
    page.wait_for_timeout(300)
    before = bar.get_attribute("style")
    page.get_by_role("button", name="Same entropy").click()
    page.wait_for_url(re.compile("smoothing="))
    assert bar.get_attribute("style") != before


def test_without_motion_play_stands_at_the_ticks(open_page):
    page = open_page(still=True)
    page.get_by_role("button", name="▶ Play").click()
    seen = set()
    for _ in range(12):
        page.wait_for_timeout(150)
        seen.add(shown(page))
    page.get_by_role("button", name="❚❚ Pause").click()
    assert seen <= {0.25, 0.5, 1.0, 2.0}


def test_the_live_mean_kl_is_the_one_in_the_finding_and_plotly_is_not_fetched(open_page):
    page = open_page("T=4")
    said = page.locator(".st-key-finding").inner_text()
    live = page.get_by_role("button", name="KL, all pairs").inner_text()
    mean = float(re.search(r"is ([\d.]+) nats from", said).group(1))
    assert float(re.search(r"([\d.]+) nats", live).group(1)) == pytest.approx(mean, abs=6e-4)
    fetched = page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    assert any("/static/js/" in url for url in fetched)
    assert not [url for url in fetched if "plotly" in url.lower()]
