"""The cards of the data check as buttons; one of them is open and its rows are shown."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

from app.kit.browser_part import part, state_value
from kdcore.data.check.cards import DataCard

KEY = "data_cards"
_mount = part(__name__)


def data_cards(cards: Sequence[DataCard], opened: str, on_open: Callable[[str], None]) -> None:
    """Draw them. opened: the key of the open card or ""; on_open gets the new one."""
    data = {
        "cards": [asdict(card) for card in cards],
        "open": opened,
        "label": "What the data hold; a press on a card shows its rows",
    }

    def press() -> None:
        on_open(str(state_value(KEY, "open") or "").split(" ")[0])

    _mount(key=KEY, data=data, on_open_change=press)
