"""No dead control: whatever can be pressed, ticked, chosen or moved changes something."""

import re

import pytest

from tests.browser import acting
from tests.browser.places import EVERY_PAGE

PLACES = {
    "start": [""],
    "temperature": ["temperature?v=1&pair=7", "temperature?v=1&pair=7&ttab=replay",
                    "temperature?v=1&pair=7&ttab=smoothing"],
    "masked_word": ["masked_word?v=1&sentence=A [MASK] fell."],
    "losses": ["losses?v=1&pair=7", "losses?v=1&pair=7&lview=ads&la=ranking"],
    "scale": ["scale", "scale?v=1&stab=glue", "scale?v=1&stab=runs"],
    "compare": ["compare?v=1&pair=7", "compare?v=1&pair=7&ctab=calibration",
                "compare?v=1&pair=7&ctab=edit&edited=1&equery=red shoes",
                "compare?v=1&pair=7&ctab=notes"],
    "ranking": ["ranking", "ranking?v=1&rtab=ndcg&brush=3,9", "ranking?v=1&rtab=lists&query=5",
                "ranking?v=1&rtab=auction&query=5"],
    "retrieval": ["retrieval", "retrieval?v=1&ftab=funnel", "retrieval?v=1&ftab=twin"],
    "recipe": ["recipe"],  # its plan would start runs: test_recipe.py acts upon it
    "map": ["map", "map?v=1&mwhat=texts", "map?v=1&mwhat=moments"],
    "runs": ["runs", "runs?v=1&rview=frontier", "runs?v=1&rview=diff"],
    "data": ["data", "data?v=1&dtab=teacher", "data?v=1&dtab=bring", "data?v=1&dtab=score"],
}  # fmt: skip
# Streamlit's own, which its own tests cover; the frame's are acted upon on Start
FRAMEWORK = re.compile(
    r"^button \S*: (Help\b|Open #)|: (Clear selection|Show/hide columns|Search|Fullscreen): "
    r"|: (Navigate to home page|Collapse sidebar|Copy:|Close fullscreen|uploadUpload)"
)
FRAME = re.compile(r"^\S+ (pick_\w+|top_bar|frame_bar|present_switch|lesson_offer_\S+): ")
# what is disabled says why, or its name alone tells when there is nothing to do for it
PLAIN = re.compile(
    r"Clear|Previous|Next|Decrement|Increment|Undo|Reset"
    r"|: (Select a row|Score +pairs|Import predictions)"
)


def few(names: list[str], most: int = 2) -> list[str]:
    """The first and the last of each family: controls of one kind in one place of the page."""
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(name.partition(":")[0], []).append(name)
    kept = [name for family in families.values() if len(family) > 5 for name in family[most:-most]]
    return [name for name in names if name not in kept]


def every(names: list[str]) -> list[str]:
    return names


def wanted(page, page_name: str) -> list[str]:
    # a button with an hourglass is at work for an earlier press, and is another when it is done
    busy = "hourglass"
    names = [n for n in acting.controls(page) if not FRAMEWORK.search(n) and busy not in n]
    return names if page_name == "start" else [n for n in names if not FRAME.search(n)]


QUICK = ("masked_word",)  # the other pages take a minute or two each
SHOWN = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PLACES]


def test_every_page_is_acted_upon():
    """Distill's controls start runs: test_distill.py acts upon them."""
    assert {*PLACES, "distill"} == {page or "start" for page in EVERY_PAGE}


@pytest.mark.parametrize("pick", [few, pytest.param(every, marks=pytest.mark.slow)])
@pytest.mark.parametrize("page_name", SHOWN)
def test_every_control_changes_something(visit, settle, page_name, pick):
    done, dead = set(), []
    for place in PLACES[page_name]:
        page = visit(place)
        page.wait_for_timeout(500)  # pictures that draw themselves after the server is done
        for name in pick(wanted(page, page_name)):
            if name in done:
                continue
            done.add(name)
            if not works(page, place, name, settle):
                dead.append((place, name))
        assert page.errors == []
    assert not dead, "\n".join(map(str, dead))
    assert len(done) > 5


def works(page, place: str, name: str, settle) -> bool:
    """Whether a control does something, or says why it cannot."""
    node = acting.find(page, name)
    if node is None or page.url.split("?")[0].rsplit("/", 1)[-1] != place.split("?")[0]:
        reopen(page, place, settle)  # an earlier control led elsewhere
        node = acting.find(page, name)
    if node is None:
        return False
    if node.is_enabled():
        node.focus()
    state = acting.state_of(node)
    if state["disabled"]:
        return bool(state["why"] or PLAIN.search(name))
    if state["chosen"] or state["told"]:  # the open tab; a card that tells its meaning on focus
        return True
    done = acting.acts(page, node)
    page.keyboard.press("Escape")
    settle(page)
    return done


def reopen(page, place: str, settle) -> None:
    base = "/".join(page.url.split("/")[:3])
    page.goto(f"{base}/{place}")
    settle(page)
    page.wait_for_timeout(500)
