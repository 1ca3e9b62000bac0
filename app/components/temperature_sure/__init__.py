"""Sure or unsure: the entropy of every soft label of both models, live with the rail."""

from app.components.load import part

_mount = part("temperature_sure", "maths", "draw", "stage", "mirror")


def temperature_sure() -> None:
    """Mount the histogram; it reads temperature, pair and logits from the rail's stage."""
    _mount(key="temperature_sure", data={})
