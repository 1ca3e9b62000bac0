"""Score cards: a metric a card, all models on one axis, the gain with interval and verdict."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from app.kit.browser_part import part

_mount = part(__name__)


@dataclass(frozen=True)
class Row:
    """One model's value and its 95 % interval (nan = none); text and interval are for reading."""

    role: str
    title: str
    value: float
    low: float
    high: float
    text: str
    interval: str


@dataclass(frozen=True)
class Gain:
    """A difference of two models. verdict names the opponent; about says how it was measured."""

    value: str
    interval: str
    verdict: str
    about: str


@dataclass(frozen=True)
class Note:
    """A line of small print, and what it means."""

    text: str
    about: str


@dataclass(frozen=True)
class Score:
    """One metric of all models. places: rows whose height is reserved, so that the page does not
    move when a selection adds its own.
    """

    name: str
    definition: str
    higher: bool
    n: str
    rows: Sequence[Row]
    gain: Gain | None = None
    gap: Note | None = None
    places: int = 0


def score_cards(scores: Sequence[Score], key: str, label: str) -> None:
    """Draw the strip. label: what it shows, for screen readers."""
    _mount(key=key, data={"cards": [_plain(asdict(s)) for s in scores], "label": label})


def _plain(value: Any) -> Any:
    """The same without nan, which JSON has not."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not isfinite(value) else value
