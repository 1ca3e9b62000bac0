"""Keeps a link's hashes in the address without making an entry that Back would have to pass."""

from collections.abc import Mapping

from app.components.load import part

_mount = part("link_marks")


def link_marks(marks: Mapping[str, str], names: tuple[str, ...]) -> None:
    """Let the address carry these marks; each of `names` that is not among them leaves it."""
    _mount(key="link_marks", data={"marks": dict(marks), "names": names}, height=1)
