"""A strip of numbers, each with its interval, how many it is over, and its definition on focus."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from app.kit.browser_part import part

_mount = part(__name__)


@dataclass(frozen=True)
class Card:
    """One number. role: a palette role for its stripe; n: how many, with the unit ("queries").

    verdict: what texts.verdict writes, the opponent named: "▲ BETTER than its twin".
    """

    label: str
    value: str
    definition: str
    n: str = ""
    interval: str = ""
    delta: str = ""
    verdict: str = ""
    role: str = "muted"


def interval(low: float, high: float, digits: int = 3, unit: str = "") -> str:
    """A 95 % interval in brackets, or an empty text when there is none."""
    if not (isfinite(low) and isfinite(high)):
        return ""
    shown = f"[{low:.{digits}f}, {high:.{digits}f}]{unit}"
    return shown.replace("-", "−")


def metric_cards(cards: Sequence[Card], key: str, label: str) -> None:
    """Draw a strip. label: what the strip shows, for screen readers."""
    data: dict[str, Any] = {"cards": [asdict(card) for card in cards], "label": label}
    _mount(key=key, data=data)
