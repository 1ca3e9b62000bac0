"""What the process remembers for all of its visitors, in one place that tests can clear.

Results of functions are stored by `by_hash`. This is for what is no result: a process that was
started, when a run was told to go. What one visitor chose is in app/state.
"""

from typing import Any

_TABLES: dict[str, dict[Any, Any]] = {}


def table(name: str) -> dict[Any, Any]:
    """The dictionary of this name; it lives as long as the process."""
    return _TABLES.setdefault(name, {})


def clear() -> None:
    """Empty every dictionary."""
    for each in _TABLES.values():
        each.clear()
