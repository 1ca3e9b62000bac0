"""Choices of the Masked word page."""

from dataclasses import dataclass

from app.state.common import TEMPERATURES
from app.state.kinds import flag, number, text


@dataclass(frozen=True)
class MaskedWord:
    """The sentence, the two language models, and how their answers are drawn."""

    sentence: str = text("sentence", "", 300)
    T: float = number("mask_t", 2.0, *TEMPERATURES)
    log_scale: bool = flag("mask_log", False)
    shown_only: bool = flag("mask_few", False)  # the softmax over the shown words only
    same_scale: bool = flag("mask_same", False)  # all panels on the axis of the longest bar
    teacher: str = text("mteacher", "", 300)
    student: str = text("mstudent", "", 300)
