"""Why T²: the size of the soft gradient across T, with and without the factor, in the browser."""

from app.components.load import part

_mount = part("temperature_gradient", "maths", "draw", "stage")


def temperature_gradient() -> None:
    """Mount the curves; they read temperature, pair and logits from the rail's stage."""
    _mount(key="temperature_gradient", data={})
