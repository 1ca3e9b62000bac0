"""Sure or unsure: the entropy of every soft label of both models, live with the rail."""

from app.kit.browser_part import part

_mount = part(__name__)


def temperature_sure() -> None:
    """Mount the histogram; it reads temperature, pair and logits from the rail's stage."""
    _mount(key="temperature_sure", data={})
