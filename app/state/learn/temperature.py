"""Choices of the Temperature page."""

from dataclasses import dataclass, fields

from app.state.common import TEMPERATURES
from app.state.kinds import choice, flag, number, whole


@dataclass(frozen=True)
class Rail:
    """The six controls beside the picture; the browser part sends them back under their keys."""

    T: float = number("T", 2.0, *TEMPERATURES)
    student_T: float = number("Ts", 2.0, *TEMPERATURES)  # used when the two are not linked
    linked: bool = flag("linked", True)
    log_scale: bool = flag("log", False)
    full_scale: bool = flag("same", False)  # densities end at 100 %, so that temperatures compare
    guess_first: bool = flag("guess", False)  # the student's label hides until it is guessed


RAIL = {field.metadata["kind"].key: field.name for field in fields(Rail)}  # names by key
RAIL_FLAGS = tuple(key for key, name in RAIL.items() if isinstance(getattr(Rail(), name), bool))


@dataclass(frozen=True)
class Temperature(Rail):
    """The controls beside the picture, and the tabs under it."""

    tab: str = choice("ttab", "numbers", ("numbers", "gradient", "sure", "smoothing", "replay"))
    smoothing: float = number("smoothing", 0.1, 0.0, 0.9)
    # of the replay: the recorded moment (-1 is the end) and the row of the probe
    moment: int = whole("moment", -1, -1, 10_000, belongs_to="data")
    probe: int = whole("probe", 0, 0, 1_000_000, belongs_to="data")
