"""Brings a lesson's target into view and rings it for a moment."""

from app.components.load import part

_mount = part("spotlight", "draw")


def spotlight(target: str, token: str) -> None:
    """Ring the first element that the CSS selector finds, once for each token."""
    _mount(key="spotlight", data={"target": target, "token": token}, height=1)
