"""Columns of found ads beside each other, with lines between the places of the same ad."""

from typing import Any

from app.kit.browser_part import part

_mount = part(__name__)


def found_columns(data: dict[str, Any], key: str) -> None:
    """Draw the columns. data: columns (name, role, ads best first), titles, worth, most (of the
    worth, for its bar), sentence, empty (what stands in a column without ads); titles and worth by
    the id of the ad; an ad without a worth has no bar.
    """
    _mount(key=key, data=data)
