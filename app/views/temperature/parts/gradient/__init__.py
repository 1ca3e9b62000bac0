"""Why T²: the size of the soft gradient across T, with and without the factor, in the browser."""

from app.kit.browser_part import part

_mount = part(__name__)


def temperature_gradient() -> None:
    """Mount the curves; they read temperature, pair and logits from the rail's stage."""
    _mount(key="temperature_gradient", data={})
