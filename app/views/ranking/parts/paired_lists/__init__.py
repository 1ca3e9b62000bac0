"""One query's ads in several orders with the moves between them; and the same ads at auction."""

from typing import Any

from app.kit.browser_part import part, state_value

_mount = part(__name__)


def message(key: str, name: str) -> dict[str, Any]:
    """What the part last sent under a name; empty when it sent nothing that can be read.

    pair: {row} of the ad picked. scratch: {query, order}. rules: {w, slots, reserve, pricing, by}.
    edits: {query, edits}, texts like "0b1.25_3c0.2": ad 0's bid, ad 3's pClick.
    """
    value = state_value(key, name)
    return dict(value) if isinstance(value, dict) else {}


def paired_lists(data: dict[str, Any], key: str, **on_change: Any) -> None:
    """Draw the lists. data: see app.views.ranking.lists; on_change: pair=, scratch= callbacks."""
    _draw({"mode": "lists"} | data, key, on_change)


def auction_rail(data: dict[str, Any], key: str, **on_change: Any) -> None:
    """Draw the auction. data: see app.views.ranking.auction; on_change: rules=, edits=."""
    _draw({"mode": "auction"} | data, key, on_change)


def _draw(data: dict[str, Any], key: str, on_change: dict[str, Any]) -> None:
    _mount(key=key, data=data, **{f"on_{name}_change": take for name, take in on_change.items()})
