"""Label density in the top k of two models, with k under the visitor's thumb."""

from math import isfinite
from typing import Any

from app import state
from app.kit.browser_part import part, state_value

_mount = part(__name__)


def density_rail(key: str, data: dict[str, Any]) -> None:
    """Draw the rail; a released k becomes the state's k.

    data: grades, a and b (name, role, pooled, query, coverage, judged by depth), k, deepest,
    pooled, reading ("points" or "relative"), tested (k and rows, or None), paper (or None).
    """
    _mount(key=key, data=_plain(data), on_k_change=_released(key))


def _released(key: str) -> Any:
    def take() -> None:
        value = state_value(key, "k")
        if isinstance(value, (int, float)) and isfinite(value):
            state.change(ranking={"k": value})

    return take


def _plain(value: Any) -> Any:
    """JSON's null for what is not a number: the browser draws it hatched."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not isfinite(value) else value
