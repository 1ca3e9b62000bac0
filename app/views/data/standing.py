"""The cards of the data check, and the rows of the open one."""

from collections.abc import Sequence

import pandas as pd

from app import state
from app.kit import sections
from app.kit.sections import Section
from app.services import Board, standing
from app.views.data import source, table, trash
from app.views.data.parts.cards import data_cards
from kdcore.data.check.cards import DataCard
from kdcore.data.check.cards import data_cards as data_cards_of
from kdcore.data.check.rows import ROWS


def draw(board: Board) -> None:
    """Source, cards, rows."""
    part = standing.on_pages(board)
    on = standing.standing_of(board.data, part)
    source.draw(board, on)
    source.missing(board)
    opened = state.now().data.card if state.now().data.card in ROWS else ""
    cards = data_cards_of(on)
    data_cards(cards, opened, lambda key: state.change(data={"card": key, "page": 1}))
    sections.put("cards", lambda: _section(cards))
    if opened:
        card = next(card for card in cards if card.key == opened)
        rows = standing.rows(board.data, part, opened)
        table.draw(board, rows, f"{card.title}: {card.definition}", linked=True)
    trash.draw(board)


def _section(cards: Sequence[DataCard]) -> Section:
    columns = ["card", "value", "detail", "meaning"]
    rows = [(card.title, card.value, card.detail, card.definition) for card in cards]
    return Section("What these data can show", (), pd.DataFrame(rows, columns=columns))
