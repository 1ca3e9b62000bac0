"""The pair's numbers grade by grade, live with the rail: z, z/T, p, and where KL comes from."""

from app.kit.browser_part import part

_mount = part(__name__)


def temperature_numbers() -> None:
    """Mount the table; it reads temperature, pair and logits from the rail's stage."""
    _mount(key="temperature_numbers", data={})
