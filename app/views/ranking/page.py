"""Ranking: what would a searcher and an advertiser notice?"""

from collections.abc import Callable

from app import services, state
from app.kit import controls

TABS = {
    "density": "Label density",
    "ndcg": "nDCG",
    "lists": "Lists",
    "auction": "Auction",
}


def open_part() -> Callable[[services.Board], None]:
    """The function that draws the open part; the others are not even imported."""
    match state.now().ranking.tab:
        case "density":
            from app.views.ranking.density import draw
        case "ndcg":
            from app.views.ranking.ndcg import draw
        case "lists":
            from app.views.ranking.lists import draw
        case _:
            from app.views.ranking.auction import draw
    return draw


controls.choose("ranking.tab", "Part of the page", TABS)
open_part()(services.board())
