"""Act as a visitor of the app in AppTest: open a page by a link, read it, press its buttons."""

from typing import Any

from streamlit.testing.v1 import AppTest

from app.state import State
from tests.app.opening import MAIN, open_page

_TEXTS = ("text", "markdown", "caption", "info", "warning", "error", "success")


def visit(name: str, **link: str) -> AppTest:
    """A page after its first run, opened by a link."""
    at = AppTest.from_file(MAIN, default_timeout=60)
    at.query_params.update(link)
    return open_page(at, name).run()


def texts(at: AppTest) -> str:
    """All that the page says in words, without the backslashes of its Markdown."""
    values = [str(element.value) for kind in _TEXTS for element in at.get(kind)]
    return "\n".join(values).replace("\\", "")


def button(at: AppTest, name: str) -> Any:
    """The button of this key, else the first whose label begins so."""
    named = [each for each in at.button if each.key == name]
    return next(iter(named), None) or next(b for b in at.button if b.label.startswith(name))


def press(at: AppTest, name: str) -> AppTest:
    """The page after one of its buttons was pressed."""
    button(at, name).click().run()
    assert not at.exception
    return at


def choices(at: AppTest) -> State:
    """The visitor's choices."""
    state: State = at.session_state["kd_state"]
    return state
