"""Loss against the student's margin, for a teacher's score that can be dragged."""

from collections.abc import Callable, Mapping
from typing import Any

from app.kit.browser_part import part
from app.views.losses.parts import mounted

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
    mounted(_mount, KEY, {"scene": scene, "terms": terms, "choices": choices}, on_change)
