"""Choices of the Scale page."""

from dataclasses import dataclass

from app.state.kinds import choice, text


@dataclass(frozen=True)
class Scale:
    """Which picture is open, the order of its models, and the test pairs of its runs."""

    tab: str = choice("stab", "sizes", ("sizes", "glue", "runs"))
    order: str = choice("sorder", "date", ("date", "size"))
    pairs: str = text("spairs", "", 40)  # hash of the test pairs; "" for those of most runs
