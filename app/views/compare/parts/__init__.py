"""Browser parts of the Compare page."""

from typing import Any

from app.kit.browser_part import state_value


def message(key: str) -> dict[str, Any]:
    """What the visitor last set in a mounted part, and n, how often; n is 0 at first.

    Nothing in it is trusted: it comes from a browser.
    """
    value = state_value(key, "said")
    sent = value if isinstance(value, dict) else {}
    n = sent.get("n", 0)
    return {**sent, "n": n if isinstance(n, int) else 0}
