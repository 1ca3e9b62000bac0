"""A pair as a card: its texts letter by letter, what each model says of it, and word diffs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.kit.browser_part import part
from kdcore.analysis.counterfactual import Span

_mount = part(__name__)


@dataclass(frozen=True)
class Answer:
    """A column of the card: a model's probability for each grade, and how good they are.

    p: () where the model gave none. role: of the palette. relevant: P(relevant). decision: "yes" or
    "no", whether the model finds the pair relevant; "" without one. loss: nats on the label, or
    None. delta: change of P(relevant) against the original pair, or None.
    """

    name: str
    role: str
    p: tuple[float, ...]
    relevant: float
    decision: str = ""
    loss: float | None = None
    delta: float | None = None


@dataclass(frozen=True)
class Compared:
    """Another ad beside this one: how it differs, word by word, and a sentence on the outcome."""

    heading: str
    sentence: str
    texts: tuple[tuple[str, tuple[Span, ...]], ...]  # (field, spans)


@dataclass(frozen=True)
class Card:
    """A pair. gold: index of its grade, or -1. says: a column a model. chips: its tags."""

    heading: str
    query: str
    title: str
    description: str
    grades: tuple[str, ...]
    gold: int
    says: tuple[Answer, ...]
    chips: tuple[str, ...] = ()
    compared: tuple[Compared, ...] = ()


def pair_cards(cards: Sequence[Card], key: str, label: str) -> None:
    """Draw pairs side by side. label: what they are, for screen readers."""
    data: dict[str, Any] = {"label": label, "cards": [asdict(card) for card in cards]}
    _mount(key=key, data=data)
