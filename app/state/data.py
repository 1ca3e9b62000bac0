"""Choices of the Data page."""

from dataclasses import dataclass

from app.state.kinds import choice, text, whole


@dataclass(frozen=True)
class Data:
    """The part of the data set that every page looks at, and what the Data page shows of it."""

    split: str = text("split", "", 20, belongs_to="data", in_hash=True)
    tab: str = choice("dtab", "standing", ("standing", "teacher", "bring", "score"))
    card: str = text("dcard", "", 20, belongs_to="data")  # the card whose rows are open
    page: int = whole("dpage", 1, 1, 1_000_000, belongs_to="data")
