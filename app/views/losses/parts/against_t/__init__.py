"""Why T²: the length of each term's gradient at every temperature, with and without it."""

from collections.abc import Callable, Mapping
from typing import Any

from app.kit.browser_part import part, state_value

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

    def release() -> None:
        sent = state_value(KEY, "set")
        if isinstance(sent, Mapping):
            on_change(sent)

    data = {"scene": scene, "terms": terms, "choices": choices}
    _mount(key=KEY, data=data, on_set_change=release)
