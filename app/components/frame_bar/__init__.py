"""The end of the top bar: selection, copy link, shortcuts."""

from app.components.load import held, part

KEY = "frame_bar"
SHORTCUTS = (
    ("?", "this list"),
    ("Tab, Shift+Tab", "next and previous control"),
    ("← →", "on a rail or slider: a small step; with Shift a large one"),
    ("Home, End", "on a rail or slider: its ends"),
    ("↑ ↓", "on Temperature: previous and next pair"),
    ("Space", "on Temperature: play the sweep"),
    ("Alt+↑, Alt+↓", "in Lists: move the ad of the scratch column"),
)

_mount = part("frame_bar", "draw", own=("skip",))


def frame_bar(selection: str, single_keys: bool) -> None:
    """Draw it. selection: what is selected, in words."""
    _mount(
        key=KEY,
        width=170,
        data={"selection": selection, "shortcuts": SHORTCUTS, "keys": single_keys},
        on_keys_change=_keys,
    )


def _keys() -> None:
    from app import state

    said = held(KEY, "keys")
    if isinstance(said, bool):
        state.change(keys=said)


__all__ = ["SHORTCUTS", "frame_bar"]
