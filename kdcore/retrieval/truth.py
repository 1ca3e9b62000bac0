"""The truth of the world's corpus: what every ad is worth to every query, by its exact grades."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kdcore.data.world.needs import Needs
from kdcore.data.world.traffic import first_searches
from kdcore.errors import DataError
from kdcore.labels import FOUR_GRADES
from kdcore.retrieval.ads import Ads

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JudgedQueries:
    """Queries of the world's test split with the needs behind them, with the gain of all ads."""

    queries: tuple[str, ...]
    needs: Needs
    ads: Ads

    @classmethod
    def of(cls, ads: Ads, count: int, seed: int = 0) -> "JudgedQueries":
        """The first queries of the test split; DataError where the ads have no known truth."""
        if ads.world is None:
            raise DataError(f"the truth of the ads of {ads.name} is not known; use the world's")
        searches = first_searches("test", count, seed)
        return cls(tuple(searches.queries), searches.needs, ads)

    def __len__(self) -> int:
        return len(self.queries)

    def gains(self, query: int) -> Floats:
        """(ads,) expected gain 2^grade - 1 of every ad for one query, by its exact grades."""
        world = self.ads.world
        assert world is not None
        probabilities = world.truth(self.needs.take(np.array([query])))[0]
        return np.asarray(probabilities @ FOUR_GRADES.gains("exp2"))

    @cached_property
    def all_gains(self) -> NDArray[np.float32]:
        """(queries, ads) expected gains in float32: 80 kB per query for 20,000 ads."""
        rows = [self.gains(query).astype(np.float32) for query in range(len(self))]
        return np.stack(rows)
