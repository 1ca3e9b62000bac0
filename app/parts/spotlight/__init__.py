"""Brings a lesson's target into view and rings it for a moment."""

from app.kit.browser_part import part

_mount = part(__name__)


def spotlight(target: str, show: str, token: str) -> None:
    """Ring the first element that the CSS selector `target` finds, once for each token.

    show: selector of what must be in view together with it.
    """
    _mount(key="spotlight", data={"target": target, "show": show, "token": token}, height=1)
