"""A corpus of ads for retrieval, with the exact grades of every ad for every query."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdcore.data.world.ads import write_ads
from kdcore.data.world.draws import Draws
from kdcore.data.world.needs import Needs, popular_types
from kdcore.data.world.offers import Offers, draw_offers, settle
from kdcore.data.world.traffic import SPLITS
from kdcore.data.world.truth import truth


@dataclass(frozen=True)
class Corpus:
    """Ads independent of any query: texts, and the offers behind them, row for row."""

    titles: tuple[str, ...]
    descriptions: tuple[str, ...]
    offers: Offers

    def __len__(self) -> int:
        return len(self.titles)

    def truth(self, needs: Needs) -> NDArray[np.float64]:
        """Return (needs, ads, 4) exact P(grade); 640 kB per need for 20,000 ads."""
        return truth(needs, self.offers)


def corpus(seed: int = 0, size: int = 20_000) -> Corpus:
    """Draw ads of the world's advertisers, independent of any query."""
    draws = Draws(seed, len(SPLITS))
    offers = settle(draw_offers(popular_types(draws.uniform(size)), draws), draws)
    titles, descriptions = write_ads(offers, draws)
    return Corpus(tuple(titles), tuple(descriptions), offers)
