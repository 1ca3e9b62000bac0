"""Ranking: what would a searcher and an advertiser notice?"""

from importlib import import_module

from app import services, state
from app.kit import controls

TABS = {
    "density": "Label density",
    "ndcg": "nDCG",
    "lists": "Lists",
    "auction": "Auction",
}
controls.choose("ranking.tab", "Part of the page", TABS)
# only the open part is imported and run; the state lets no other name through
part = import_module(f"app.views.ranking.{state.now().ranking.tab}")
part.draw(services.board())
