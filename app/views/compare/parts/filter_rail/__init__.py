"""The filter rail: a search and options with counts and outcome bars."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.kit.browser_part import part, state_value
from kdcore.analysis.filters import Option

_mount = part(__name__)


@dataclass(frozen=True)
class Group:
    """Options of one kind. sentences: by option key; bars: whether to show who is right on it."""

    key: str
    title: str
    options: Sequence[Option]
    sentences: dict[str, str]
    bars: bool


def filter_rail(
    groups: Sequence[Group],
    find: str,
    left: int,
    total: int,
    active: bool,
    key: str,
    on_change: Callable[[], None],
) -> None:
    """Draw it. left of total pairs pass; active: whether any filter of the page is set."""
    shown: list[dict[str, Any]] = [
        {
            "key": group.key,
            "title": group.title,
            "bars": group.bars,
            "options": [
                asdict(o) | {"sentence": group.sentences.get(o.key, "")} for o in group.options
            ],
        }
        for group in groups
    ]
    data = {"groups": shown, "find": find, "left": left, "total": total, "active": active}
    _mount(key=key, data=data | {"seen": said(key)["n"]}, on_said_change=on_change)


def said(key: str) -> dict[str, Any]:
    """What the visitor last set: find, clear, and a list of keys for each group; n = how often."""
    found = state_value(key, "said")
    whole = found if isinstance(found, dict) else {}
    n = whole.get("n", 0)
    return {**whole, "n": n if isinstance(n, int) else 0}
