"""Why T²: the length of each term's gradient at every temperature, with and without it."""

from collections.abc import Callable, Mapping
from typing import Any

from app.kit.browser_part import part
from app.views.losses.parts import mounted

KEY = "loss_against_t"

_mount = part(__name__)


def against_t(
    scene: Mapping[str, Any],
    terms: Mapping[str, Any],
    choices: Mapping[str, Any],
    on_change: Callable[[Mapping[str, Any]], None],
) -> None:
    """Mount it with what the plane was given; on_change gets lt, the temperature, at release.

    The student stands where the plane's descent starts; the terms are those of the objective shown.
    """
    mounted(_mount, KEY, {"scene": scene, "terms": terms, "choices": choices}, on_change)
