"""The filter rail: a search and options with counts and outcome bars."""

from collections.abc import Callable
from typing import Any

from app.kit.browser_part import part
from app.views.compare.parts import message

_mount = part(__name__)


def filter_rail(data: dict[str, Any], key: str, on_change: Callable[[], None]) -> None:
    """Draw it; on_change runs at every choice: `message` then has find, clear, and keys by group.

    data: groups (key, title, bars: whether to show who is right on its options, and options, each
    a kdcore Option with the sentence that explains it), find (the search), left of total pairs
    that pass, active (whether any filter of the page is set).
    """
    _mount(key=key, data=data | {"seen": message(key)["n"]}, on_said_change=on_change)
