"""The funnel under the visitor's hand: both cuts, the truth after each step, and the time."""

from typing import Any

from app import state
from app.kit.browser_part import part, state_value

_mount = part(__name__)


def funnel(data: dict[str, Any], key: str) -> None:
    """Draw it; released cuts become the state's. data: see app.views.retrieval.funnel."""

    def cut() -> None:
        sent = state_value(key, "cuts")
        if isinstance(sent, dict):
            names = ("candidates", "reordered")
            state.change(retrieval={name: sent[name] for name in names if name in sent})

    _mount(key=key, data=data, on_cuts_change=cut)
