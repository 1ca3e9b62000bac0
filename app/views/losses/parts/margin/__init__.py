"""Loss against the student's margin, for a teacher's score that can be dragged."""

from collections.abc import Callable, Mapping
from typing import Any

from app.kit.browser_part import part, state_value

KEY = "loss_margin"

_mount = part(__name__)


def loss_margin(
    scene: Mapping[str, Any],
    terms: Mapping[str, Any],
    choices: Mapping[str, Any],
    on_change: Callable[[Mapping[str, Any]], None],
) -> None:
    """Mount it with what the plane was given; on_change gets lmargin, the teacher's score.

    Two grades, or two ads: the margin is the gap of their two numbers. The temperature is the
    page's, as it is dragged.
    """

    def release() -> None:
        sent = state_value(KEY, "set")
        if isinstance(sent, Mapping):
            on_change(sent)

    data = {"scene": scene, "terms": terms, "choices": choices}
    _mount(key=KEY, data=data, on_set_change=release)
