"""The switch of the presentation: a button in the top bar, and Escape to leave it."""

from app.kit.browser_part import part, state_value

KEY = "present_switch"
_mount = part(__name__)


def present_switch(on: bool) -> None:
    """Draw it. on: whether the page is being presented."""
    _mount(key=KEY, width=44, data={"on": on}, on_set_change=_heard)


def _heard() -> None:
    from app import state

    if isinstance(choice := state_value(KEY, "set"), bool):
        state.change(presenting=choice)
