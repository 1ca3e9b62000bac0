"""A link opens what it says, and says what is open."""

import random
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from app.state import FIELDS, PATHS, State, changed, of_keys, query_of

# pages whose parts write into the address; every other one is asked without a browser
PAGES = ("temperature", "compare", "ranking", "distill")
# what parts of the new pages would say of themselves
SAID = (
    "map?v=1&mcolor=label&mlayout=pca&mhide=bad&mview=0.5,-1,3&pair=7&mright=cdssm-kd",
    "map?v=1&mwhat=moments&mmoment=0.5&mpoint=3",
    "retrieval?v=1&ftab=funnel",
    "recipe?v=1&rplan=1&recipe=adsbert&rstage=twinbert",
)
LONG = f"?v=1&etitle={'a' * 1000}&edescription={'b' * 1000}"
# the address part's code comes a second later than that of all other parts
LATE = """
const Whole = Blob;
window.Blob = function (parts, options) {
  const late = parts.some((part) => String(part).includes("kdAddress"));
  return new Whole(late ? ["await new Promise((go) => setTimeout(go, 1000));", ...parts] : parts,
    options);
};"""
# what a page may change of a link: rows, models and texts that these data do not have
FREE = ("T", "Ts", "linked", "log", "ttab", "smoothing", "ct", "cs", "k", "gain", "pooled", "w")
FREE += ("slots", "reserve", "pricing", "rtab", "ctab", "pair", "pin", "query", "keys", "box")
FREE += ("preset", "settings", "dmode", "alone", "run")


def some_state(seed: int) -> State:
    draw = random.Random(seed)
    values = {}
    for name in FREE:
        kind = FIELDS[PATHS[name]]
        if draw.random() < 0.5:
            continue
        if isinstance(kind.default, bool):
            values[name] = draw.random() < 0.5
        elif name in ("pair", "pin"):
            values[name] = draw.randrange(10_000)
        elif name == "query":
            values[name] = draw.randrange(500)
        elif name == "box":
            (x0, x1), (y0, y1) = (sorted((draw.random(), draw.random())) for _ in "xy")
            values[name] = [x0, x1, y0, y1]
        elif isinstance(kind.default, str):
            values[name] = draw.choice(WORDS[name])
        else:
            values[name] = draw.uniform(0.3, 19)
    return changed(State(), **of_keys(values))


WORDS = {
    "ttab": ("numbers", "gradient", "sure", "smoothing", "replay"),
    "ctab": ("table", "slices", "calibration", "edit"),
    "rtab": ("density", "ndcg", "lists", "auction"),
    "gain": ("exp2", "linear"),
    "pricing": ("first", "second"),
    "preset": ("classroom_cpu", "tutorial_replica", "paper_twinbert"),
    "settings": ("seed=3", "method.params.temperature=4.5;hard_weight=0.25"),
    "dmode": ("form", "yaml"),
    "run": ("bert-kd", "twinbert_cos-kd"),
}


def parameters(url: str) -> dict[str, str]:
    found = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return {k: v for k, v in found.items() if k not in ("dh", "rh", "bids")}


@pytest.mark.parametrize("page_name", PAGES)
def test_a_random_state_comes_back_from_the_page_as_it_went_in(visit, page_name):
    asked = query_of(some_state(len(page_name)))
    page = visit(f"{page_name}?{urlencode(asked)}")
    assert parameters(page.url) == asked
    assert page.locator(".st-key-banner").count() == 0
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.parametrize("place", SAID)
def test_what_a_new_page_shows_comes_back_from_its_link(visit, place):
    page = visit(place)
    page.wait_for_timeout(1500)  # a part that answers by itself would have
    assert parameters(page.url) == parameters(place)
    assert page.locator(".st-key-banner").count() == 0
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.errors == []


def test_a_link_carries_the_hashes_of_data_and_models_and_tells_when_they_differ(visit):
    page = visit("ranking")
    found = dict(parse_qsl(urlsplit(page.url).query))
    assert len(found["dh"]) == 8
    assert len(found["rh"]) == 17
    other = visit("ranking?v=1&dh=00000000")
    assert "made for other data" in other.locator(".st-key-banner").inner_text()


def test_a_state_too_long_for_a_link_is_kept_and_opens_again(visit):
    page = visit(LONG)
    assert len(urlsplit(page.url).query) <= 1800
    assert set(parameters(page.url)) == {"v", "kept"}
    again = visit("?" + urlsplit(page.url).query)
    assert parameters(again.url) == parameters(page.url)
    gone = visit("?v=1&kept=0123456789abcdef")
    assert "nothing is saved here" in gone.locator(".st-key-banner").inner_text()


def test_a_page_whose_address_is_still_to_be_written_has_not_settled(browser, server, settle):
    page = browser.new_page()
    page.add_init_script(LATE)
    page.goto(f"{server}/{LONG}")
    settle(page)
    assert set(parameters(page.url)) == {"v", "kept"}
    page.close()


def test_a_link_of_the_first_release_still_opens(visit):
    page = visit("compare?v=1&T=4&k=10&student=bert-kd&ct=0.4&tags=lost_by_distillation")
    assert page.locator(".st-key-banner").count() == 0
    shown = page.get_by_role("combobox", name="Student", exact=True).input_value()
    assert shown.startswith("Student: BERT")
