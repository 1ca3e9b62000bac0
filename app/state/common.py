"""Choices that several pages share: the data set, the models, the pair, the lesson."""

from dataclasses import dataclass

from app.state.kinds import flag, text, whole

TEMPERATURES = (0.25, 20.0)  # bounds of every temperature that a visitor sets


@dataclass(frozen=True)
class Common:
    """What is looked at on every page, and how the page is shown."""

    data_set: str = text("data", "world", 100, in_hash=True)
    # "" is the data set's own teacher and student
    teacher: str = text("teacher", "", 200, belongs_to="data", in_hash=True)
    student: str = text("student", "", 200, belongs_to="data", in_hash=True)
    # row of the pair in focus; -1 lets the page choose
    pair: int = whole("pair", -1, -1, 10_000_000, belongs_to="data")
    pinned: int = whole("pin", -1, -1, 10_000_000, belongs_to="data")
    rival: str = text("rival", "", 200, belongs_to="data")  # a second student beside the first
    lesson: str = text("lesson", "", 60)
    lesson_step: int = whole("step", 0, 0, 100)
    single_keys: bool = flag("keys", True)  # shortcuts of one key (WCAG 2.1.4)
    presenting: bool = flag("present", False)  # for a projector: larger type, no navigation
    hidden_parts: str = text("hide", "", 200)  # comma separated; see shell/presenting.py
