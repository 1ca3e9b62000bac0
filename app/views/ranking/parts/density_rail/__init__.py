"""Label density in the top k of two models, with k under the visitor's thumb."""

from typing import Any

from app import state
from app.kit.browser_part import part, state_value
from kdcore.workspace import plain_json

_mount = part(__name__)


def density_rail(key: str, data: dict[str, Any]) -> None:
    """Draw the rail; a released k becomes the state's k, which checks it.

    data: grades, a and b (name, role, pooled, query, coverage, judged by depth), k, deepest,
    pooled, reading ("points" or "relative"), tested (k and rows, or None), paper (or None). What
    is no number becomes null, which the browser draws hatched.
    """
    _mount(
        key=key,
        data=plain_json(data),
        on_k_change=lambda: state.change(ranking={"k": state_value(key, "k")}),
    )
