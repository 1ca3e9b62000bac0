"""The browser parts of the page, which are mounted with the same numbers and answer alike."""

from collections.abc import Callable, Mapping
from typing import Any

from app.kit.browser_part import state_value


def mounted(
    mount: Callable[..., Any],
    key: str,
    data: Mapping[str, Any],
    on_change: Callable[[Mapping[str, Any]], None],
) -> None:
    """Mount a part with its data; on_change gets the visitor's choices after a release."""

    def release() -> None:
        sent = state_value(key, "set")
        if isinstance(sent, Mapping):
            on_change(sent)

    mount(key=key, data=data, on_set_change=release)
