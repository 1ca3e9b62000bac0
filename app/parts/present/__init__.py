"""The switch of the presentation: a button in the top bar, and Escape to leave it."""

from app.kit.browser_part import held, part

KEY = "present_switch"
_mount = part(__name__, "draw")


def present_switch(on: bool) -> None:
    """Draw it. on: whether the page is being presented."""
    _mount(key=KEY, width=44, data={"on": on}, on_set_change=_heard)


def _heard() -> None:
    from app import state

    if isinstance(choice := held(KEY, "set"), bool):
        state.change(presenting=choice)
