"""The cards of the data check, and the rows of the open one."""

from collections.abc import Sequence

import pandas as pd

from app import sections, state
from app.components.data_cards import data_cards
from app.panels import data_source, data_table, data_trash
from app.sections import Section
from app.services import Board
from app.services import data_standing as standing
from kdcore.datacards import DataCard
from kdcore.datacards import data_cards as cards_of
from kdcore.datarows import CARDS


def draw(board: Board) -> None:
    """Source, cards, rows."""
    part = standing.on_pages(board)
    on = standing.standing_of(board.data, part)
    data_source.draw(board, on)
    data_source.missing(board)
    opened = state.now().dcard if state.now().dcard in CARDS else ""
    cards = cards_of(on)
    data_cards(cards, opened, _open)
    sections.put("cards", lambda: _section(cards))
    if opened:
        card = next(card for card in cards if card.key == opened)
        table = standing.rows(board.data, part, opened)
        data_table.draw(board, table, f"{card.title}: {card.definition}", linked=True)
    data_trash.draw(board)


def _section(cards: Sequence[DataCard]) -> Section:
    columns = ["card", "value", "detail", "meaning"]
    rows = [(card.title, card.value, card.detail, card.definition) for card in cards]
    return Section("What these data can show", (), pd.DataFrame(rows, columns=columns))


def _open(key: str) -> None:
    state.change(dcard=key, dpage=1)
