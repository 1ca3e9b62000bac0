"""Label smoothing beside soft labels: both blur the hard label, only one knows the grades apart."""

from collections.abc import Callable
from typing import Any

from app.kit.browser_part import part, state_value

KEY = "temperature_smoothing"

_mount = part(__name__)


def temperature_smoothing(smoothing: float, on_change: Callable[[Any], None]) -> None:
    """Mount it; on_change gets the new share after a release."""
    _mount(
        key=KEY,
        data={"smoothing": smoothing},
        on_eps_change=lambda: on_change(state_value(KEY, "eps")),
    )
