"""Masked word in a real browser: the drag, the keyboard, the link, the numbers."""

import re

import pytest

from app.views.masked_word.queries import own_masked
from kdcore import language

SNACKS = "Let's go to the [MASK] and buy some snacks!"
FREE = ".st-key-masked_picture .panel.free"
RAIL = ".st-key-masked_picture input[type=range]"
if own_masked("teacher") is None:
    pytest.skip("this demo has no language models yet", allow_module_level=True)


@pytest.fixture
def opened(visit, settle, server):
    """opened("?mask_t=4") -> the page with its picture drawn."""

    def go(query: str = "", **how):
        page = visit(**how)  # Start first: torch's own import may outlast a visit's patience
        page.goto(f"{server}/masked_word{query}")
        page.locator(f"{FREE} svg").wait_for(timeout=240_000)
        settle(page)
        return page

    return go


def numbers(page, panel: int) -> dict[str, tuple[str, str]]:
    """Word -> (teacher, student) as a panel shows them; panel 0 is the free one."""
    return page.evaluate(
        """(panel) => {
          const part = document.querySelector(".st-key-masked_picture");
          const roots = [...part.querySelectorAll("*")].filter((n) => n.shadowRoot);
          const root = roots.map((n) => n.shadowRoot).find((r) => r.querySelector(".panel"));
          const lines = root.querySelectorAll(".panel")[panel].querySelectorAll("g.line");
          return Object.fromEntries([...lines].map((line) => [
            line.querySelector("title").textContent,
            [...line.querySelectorAll("text.value")].map((t) => t.textContent)]));
        }""",
        panel,
    )


def test_the_bars_are_the_softmax_of_the_models_that_are_really_run(opened):
    page = opened()
    for panel, heat in ((0, 2.0), (1, 1.0), (2, 3.0), (3, 5.0)):
        shown = numbers(page, panel)
        for column, role in enumerate(("teacher", "student")):
            filled = language.fill(own_masked(role), SNACKS)
            soft = filled.soft(heat)
            for word, values in shown.items():
                if (place := filled.place(word)) is not None:
                    told = float(values[column].replace("−", "-"))
                    assert told == pytest.approx(soft[place], rel=0.06, abs=6e-3)
    assert page.errors == []


def test_a_drag_says_nothing_to_the_server_until_it_ends(opened, settle):
    page = opened()
    rail = page.locator(RAIL).bounding_box()
    before = page.locator(f"{FREE} h2").inner_text()
    y = rail["y"] + rail["height"] / 2
    page.mouse.move(rail["x"] + rail["width"] / 2, y)
    page.mouse.down()
    said = len(page.sent)
    for step in range(12):
        page.mouse.move(rail["x"] + rail["width"] * (0.5 + step / 40), y)
        page.wait_for_timeout(20)
    assert page.locator(f"{FREE} h2").inner_text() != before
    assert len(page.sent) == said
    page.mouse.up()
    page.wait_for_url(re.compile("mask_t="))
    settle(page)
    assert len(page.sent) == said + 1
    shown = page.locator(f"{FREE} h2").inner_text().removeprefix("Your T = ")
    assert f"At T = {float(shown):.4g}" in page.locator(".st-key-finding").inner_text()


def test_by_keyboard_alone_sentence_temperature_and_axis_change_and_the_link_keeps_them(
    opened, settle
):
    page = opened("?mask_t=4")
    page.get_by_role("button", name="Bakery", exact=True).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("sentence="))
    settle(page)
    page.locator(RAIL).focus()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_url(re.compile("mask_t=8"))
    for name, field in (("Log axis", "mask_log=1"), ("Only these words", "mask_few=1")):
        before = page.locator(f"{FREE} .foot").inner_text(), page.locator(FREE).inner_html()
        page.get_by_label(name).focus()
        page.keyboard.press("Space")
        page.wait_for_url(re.compile(field))
        settle(page)
        after = page.locator(f"{FREE} .foot").inner_text(), page.locator(FREE).inner_html()
        assert before != after
    link, shown = page.url, numbers(page, 0)
    again = opened(link[link.index("?") :])
    assert again.url == link
    assert numbers(again, 0) == shown
    assert page.errors == again.errors == []


def test_a_link_that_names_another_model_waits_for_a_hand(opened, visit):
    page = visit("masked_word?mstudent=somebody/some-model")
    page.get_by_role("button", name="Open this model").wait_for()
    assert "open it below" in page.locator('[data-testid="stAlert"]').inner_text()
    page.get_by_role("button", name="Back to the lab's own").click()
    page.locator(f"{FREE} svg").wait_for(timeout=120_000)
    assert "mstudent" not in page.url
