"""Score cards: a metric a card, all models on one axis, the gain with interval and verdict."""

from collections.abc import Sequence
from typing import Any

from app.kit.browser_part import part
from kdcore.workspace import plain_json

_mount = part(__name__)


def score_cards(cards: Sequence[dict[str, Any]], key: str, label: str) -> None:
    """Draw the strip. label: what it shows, for screen readers.

    A card: name, definition, higher (whether higher is better), n, rows (role, title, value, low,
    high, and text and interval for reading), gains (a line each: value, interval,
    verdict with its opponent, about: how it was measured), gap (text, about) or None, places (rows
    whose height is reserved, so that the page does not move when a selection adds its own).
    """
    _mount(key=key, data={"cards": plain_json(list(cards)), "label": label})
