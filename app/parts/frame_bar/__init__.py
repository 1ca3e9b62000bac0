"""The end of the top bar: selection, copy link, and `?` with shortcuts and glossary."""

from collections.abc import Sequence

from app.kit.browser_part import part, state_value

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

_mount = part(__name__)


def frame_bar(selection: str, single_keys: bool, glossary: Sequence[tuple[str, str]]) -> None:
    """Draw it. selection: what is selected, in words; glossary: terms and what they mean."""
    _mount(
        key=KEY,
        width=170,
        data={
            "selection": selection,
            "shortcuts": SHORTCUTS,
            "glossary": glossary,
            "keys": single_keys,
        },
        on_keys_change=_keys,
    )


def _keys() -> None:
    from app import state

    if isinstance(choice := state_value(KEY, "keys"), bool):
        state.change(single_keys=choice)
