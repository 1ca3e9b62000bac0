"""The cards of the data check, and the rows of the open one."""

from app import state
from app.components.data_cards import data_cards
from app.panels import data_source, data_table, data_trash
from app.services import Board
from app.services import data_standing as standing
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
    if opened:
        card = next(card for card in cards if card.key == opened)
        table = standing.rows(board.data, part, opened)
        data_table.draw(board, table, f"{card.title}: {card.definition}", linked=True)
    data_trash.draw(board)


def _open(key: str) -> None:
    state.change(dcard=key, dpage=1)
