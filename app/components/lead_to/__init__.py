"""Brings a part of the page to the top of the view: where a visitor's deed has led."""

from app.components.load import part

_mount = part("lead_to", "draw")


def lead_to(target: str, token: str, key: str = "lead_to") -> None:
    """Scroll to the first element that the CSS selector finds, once for each token."""
    _mount(key=key, data={"target": target, "token": token}, height=1)
