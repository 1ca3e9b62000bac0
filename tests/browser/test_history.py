"""Back and Forward: page, address and state stay one thing, whatever a visitor does."""

import json
import random
import re
import shutil
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright import sync_api

from tests.app.made_lab import Made, make_lab

PAGES = ("Temperature", "Losses", "Compare", "Ranking", "Data", "Start")
MORE = ("Temperature", "Map", "Retrieval")
VIEWS = {"ads": "A query's ads", "vectors": "Vectors"}  # of Losses, by their keys in a link

# one step, or two in one breath; done when the browser has taken them
GO = """([way, far]) => new Promise((done) => {
    let left = far ? 2 : 1;
    addEventListener("popstate", function taken() {
        if (--left) return;
        removeEventListener("popstate", taken);
        done();
    });
    history[way]();
    if (far) setTimeout(() => history[way](), 30);
})"""


@dataclass(frozen=True)
class Entry:
    """One entry of the history, as a visitor would describe it."""

    page: str = "Temperature"
    choices: dict[str, str] = field(default_factory=dict)


class History:
    """What a browser's history must hold after a visitor's moves."""

    def __init__(self, first: Entry) -> None:
        self.entries, self.place = [first], 0

    @property
    def now(self) -> Entry:
        return self.entries[self.place]

    def add(self, entry: Entry) -> None:
        self.entries[self.place + 1 :] = [entry]
        self.place += 1


def choices_of(url: str) -> dict[str, str]:
    pairs = dict(parse_qsl(urlsplit(url).query))
    return {k: v for k, v in pairs.items() if k not in ("v", "dh", "rh", "bids")}


def see(page, settle, entry: Entry) -> None:
    """The page, the address, the rail's mark, the picker and the T box all say this entry."""
    path = "" if entry.page == "Start" else entry.page.lower()
    try:
        page.wait_for_function(
            """([path, wanted]) => {
                const pairs = [...new URLSearchParams(location.search)];
                const own = pairs.filter(([k]) => !["v", "dh", "rh", "bids"].includes(k)).sort();
                return location.pathname === `/${path}` && JSON.stringify(own) === wanted;
            }""",
            arg=[path, json_of(entry.choices)],
            timeout=20_000,
        )
    except sync_api.TimeoutError:
        raise AssertionError(f"the address is {page.url}, not that of {entry}") from None
    settle(page)
    assert (urlsplit(page.url).path, choices_of(page.url)) == (f"/{path}", entry.choices)
    sync_api.expect(page.locator("h1")).to_have_text(entry.page)
    student = page.get_by_role("combobox", name="Student", exact=True)
    sync_api.expect(student).to_have_value(
        re.compile("C-DSSM" if entry.choices.get("student") == "cdssm-kd" else "TwinBERT")
    )
    if entry.page == "Temperature":
        box = page.get_by_label("Temperature of the teacher as a number")
        sync_api.expect(box).to_have_value(f"{float(entry.choices.get('T', 2)):.2f}")
    if entry.page == "Losses" and (view := VIEWS.get(entry.choices.get("lview"))):
        shown = page.locator(".st-key-w_lview").get_by_role("radio", name=view)
        sync_api.expect(shown).to_be_checked()


def json_of(choices: dict[str, str]) -> str:
    return json.dumps(sorted(map(list, choices.items())), separators=(",", ":"))


def open_page(page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()


def choose(page, now: Entry, draw: random.Random) -> Entry:
    """Another temperature, view or student, by the page; returns the entry that it makes."""
    if now.page == "Temperature":
        to = draw.choice([t for t in ("3", "5", "8") if t != now.choices.get("T")])
        box = page.get_by_label("Temperature of the teacher as a number")
        box.fill(to)
        box.press("Enter")
        return replace(now, choices=now.choices | {"T": to, "Ts": to})
    if now.page == "Losses":
        to = next(view for view in VIEWS if view != now.choices.get("lview"))
        page.locator(".st-key-w_lview").get_by_text(VIEWS[to], exact=True).click()
        return replace(now, choices=now.choices | {"lview": to})
    other = "twinbert_cos-kd" if now.choices.get("student") == "cdssm-kd" else "cdssm-kd"
    word = "C-DSSM · distilled" if other == "cdssm-kd" else "TwinBERT cosine · distilled"
    page.get_by_role("combobox", name="Student", exact=True).click()
    page.get_by_role("option", name=re.compile(word)).first.click()
    return replace(now, choices=now.choices | {"student": other})


def moves(history: History) -> list[str]:
    """What a visitor can do now, likelier things more than once."""
    ahead = len(history.entries) - 1 - history.place
    words = ["page", "choice"] * (2 if history.place < 3 else 1)
    words += ["back"] * 2 * (history.place > 0) + ["far back"] * 2 * (history.place > 1)
    return words + ["forward"] * 2 * (ahead > 0) + ["far forward"] * (ahead > 1)


@pytest.mark.parametrize(
    ("seed", "length", "pages"),
    [
        (3236, 6, PAGES),
        pytest.param(93, 24, PAGES, marks=pytest.mark.slow),
        pytest.param(1, 12, MORE, marks=pytest.mark.slow),
    ],
)
def test_a_walk_over_pages_choices_back_and_forward_is_never_out_of_step(
    visit, settle, seed, length, pages
):
    draw = random.Random(seed)
    page = visit("temperature?v=1")
    history = History(Entry())
    see(page, settle, history.now)
    for _ in range(length):
        move = draw.choice(moves(history))
        if move == "page":
            goal = draw.choice([p for p in pages if p != history.now.page])
            open_page(page, goal)
            history.add(replace(history.now, page=goal))
        elif move == "choice":
            history.add(choose(page, history.now, draw))
        else:
            way, far = move.removeprefix("far "), move.startswith("far")
            page.evaluate(GO, [way, far])
            history.place += (1 if way == "forward" else -1) * (2 if far else 1)
        see(page, settle, history.now)
    assert page.errors == []


@pytest.fixture
def esci(home):
    """Imported data, which are gone for the tests that come after."""
    make_lab(home, Made(brought=True), "esci")
    yield
    shutil.rmtree(home / "data" / "esci")


@pytest.mark.usefixtures("esci")
def test_back_to_imported_data_shows_them_and_copy_link_copies_what_is_shown(visit, settle):
    page = visit("compare?v=1&data=esci")
    open_page(page, "Ranking")
    page.wait_for_url(re.compile("/ranking.*data=esci"))
    settle(page)
    page.go_back()
    page.wait_for_url(re.compile("/compare.*data=esci"))
    settle(page)
    sync_api.expect(page.locator("h1")).to_have_text("Compare")
    data = page.get_by_role("combobox", name="Data", exact=True)
    sync_api.expect(data).to_have_value(re.compile("esci"))
    assert "60 pairs" in page.locator(".st-key-finding").inner_text()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert (link, choices_of(link)) == (page.url, {"data": "esci"})


def test_a_door_to_another_page_is_one_entry_and_back_returns_to_the_door(visit, settle):
    page = visit("?v=1")
    page.get_by_role("button", name="Price a defect").click()
    page.wait_for_url(re.compile("/ranking.*rtab=auction"))
    settle(page)
    page.go_back()  # a second entry would lead to Ranking again
    see(page, settle, Entry("Start"))


def test_a_click_beside_back_leaves_page_and_address_in_step(visit, settle):
    page = visit("temperature?v=1&T=5&Ts=5")
    open_page(page, "Ranking")
    see(page, settle, Entry("Ranking", {"T": "5", "Ts": "5"}))
    # both in one breath: whichever wins, the address is that of the page
    page.evaluate(
        """() => {
            history.back();
            [...document.querySelectorAll('[data-testid="stButtonGroup"] button')]
                .find((node) => node.textContent.includes("Lists")).click();
        }"""
    )
    page.wait_for_timeout(1000)
    settle(page)
    title = page.locator("h1").inner_text()
    assert urlsplit(page.url).path == f"/{title.lower()}"
    assert {"T": "5", "Ts": "5"}.items() <= choices_of(page.url).items()
    assert (choices_of(page.url).get("rtab") == "lists") == (title == "Ranking")
