"""Ranking: what would a searcher and an advertiser notice?"""

from importlib import import_module

from app import controls, services, state

TABS = {
    "density": "Label density",
    "ndcg": "nDCG",
    "lists": "Lists",
    "auction": "Auction",
}
controls.choose("rtab", "Part of the page", TABS)
# only the open part is imported and run; the state lets no other name through
part = import_module(f"app.panels.ranking_{state.now().rtab}")
part.draw(services.board())
