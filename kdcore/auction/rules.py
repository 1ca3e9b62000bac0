"""Run the ad auction: RankScore = bid · pClick - w · pDefect; which ads are shown at what price.

The formula and pDefect = 1 - relevance are the tutorial's (KDD 2022, slide "Ads ranking"). Prices
are standard theory, not the tutorial's: the generalized second price with the quality term of this
RankScore. The position effect is ours. Money here is per searched query; nothing is real unless
the bids and clicks given are.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import ConfigError, DataError
from kdcore.metrics.ranking import RankedLists, compact

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pricing = Literal["first", "second"]
PRICINGS: tuple[Pricing, ...] = ("second", "first")
STATES = ("shown", "no slot left", "below the reserve", "negative RankScore")
SHOWN, NO_SLOT, BELOW_RESERVE, NEGATIVE = range(len(STATES))
ATTENTION = 0.7


@dataclass(frozen=True)
class Rules:
    """The rules of an auction; raises ConfigError at birth.

    weight: w, dollars that a certain defect costs the RankScore. slots: most ads shown per
    query. reserve: least RankScore that is shown. pricing: "second", the least bid that keeps
    the slot, or "first", the own bid. attention: share of searchers that look one slot further
    down; clicks in slot i (from 0) are pClick · attention^i.
    """

    weight: float = 0.1
    slots: int = 4
    reserve: float = 0.0
    pricing: Pricing = "second"
    attention: float = ATTENTION

    def __post_init__(self) -> None:
        problems = []
        if not 0 <= self.weight < np.inf:
            problems.append(f"weight: {self.weight} is not 0 or more; 0.1 is a safe start")
        if self.slots < 1:
            problems.append(f"slots: {self.slots} shows nothing; use 1 or more")
        if not 0 <= self.reserve < np.inf:
            problems.append(f"reserve: {self.reserve} is not 0 or more; 0 keeps every score")
        if self.pricing not in PRICINGS:
            problems.append(f"pricing: {self.pricing!r} is unknown; use {' or '.join(PRICINGS)}")
        if not 0 < self.attention <= 1:
            problems.append(f"attention: {self.attention} is outside 0..1; 0.7 is a safe start")
        if problems:
            raise ConfigError("This auction cannot be computed:", problems)


@dataclass(frozen=True)
class Auction:
    """The ads of every query's auction; all (pairs,), raises DataError at birth.

    bids: dollars per click. p_click: P(click when shown first). p_defect: 1 - relevance, by one
    model. query_ids: ads of one query compete. tiebreaks: of equal RankScores the ad with the
    lower number goes first, such as PairTable.tiebreaks; None: the place in the arrays.
    """

    bids: Floats
    p_click: Floats
    p_defect: Floats
    query_ids: Ints
    tiebreaks: Ints | None = None

    def __post_init__(self) -> None:
        problems = []
        for name, high in (("bids", np.inf), ("p_click", 1.0), ("p_defect", 1.0)):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, values)
            if values.shape != np.shape(self.query_ids):
                problems.append(f"{name} has shape {values.shape}; need one number per pair")
            elif not (np.isfinite(values) & (values >= 0) & (values <= high)).all():
                problems.append(f"{name} holds a value that is outside 0..{high:g}")
        if problems:
            raise DataError("No auction can be computed for these ads:", problems)

    @cached_property
    def groups(self) -> tuple[Ints, int]:
        """(pairs,) query numbers 0..queries-1, and how many there are."""
        return compact(self.query_ids)

    def scores(self, weight: float) -> Floats:
        """Return (pairs,) RankScore = bid · pClick - w · pDefect."""
        return np.asarray(self.bids * self.p_click - weight * self.p_defect)

    def hold(self, rules: Rules) -> "Allocation":
        """Sort each query by RankScore, fill its slots and price them.

        Equal scores are ordered by their tiebreaks. A negative score, or one below the reserve, is
        not shown even when a slot stays empty. Second price of the ad in slot i, per click:
        (max(score of the next ad, reserve) + w · pDefect_i) / pClick_i, never above its bid.
        """
        score = self.scores(rules.weight)
        lists = RankedLists.of(score, *self.groups, self.tiebreaks)
        order, ranked = lists.order, score[lists.order]
        state = np.where(lists.rank < rules.slots, SHOWN, NO_SLOT)
        state[ranked < rules.reserve] = BELOW_RESERVE
        state[ranked < 0] = NEGATIVE
        shown = state == SHOWN
        price = np.zeros(len(order))
        price[shown] = self._prices(lists, ranked, rules)[shown]
        clicks = np.zeros(len(order))
        clicks[shown] = self.p_click[order][shown] * rules.attention ** lists.rank[shown]
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        places = lists.rank[back]
        return Allocation(score, places, state[back], price[back], clicks[back], self, rules)

    def _prices(self, lists: RankedLists, ranked: Floats, rules: Rules) -> Floats:
        bids, clicks = self.bids[lists.order], self.p_click[lists.order]
        if rules.pricing == "first":
            return bids
        following = np.full(len(ranked), -np.inf)
        same = lists.group[1:] == lists.group[:-1]
        following[:-1][same] = ranked[1:][same]
        owed = np.maximum(following, rules.reserve) + rules.weight * self.p_defect[lists.order]
        least = np.divide(owed, clicks, out=np.zeros_like(owed), where=clicks > 0)
        return np.asarray(np.minimum(least, bids))  # rounding may not lift it above the bid


@dataclass(frozen=True)
class Allocation:
    """Which ads are shown and what they pay; every array (pairs,), in the order of the table.

    places: 0-based rank in the order of its query, shown or not. states: index into STATES.
    prices: dollars per click, clicks: expected clicks per search; both 0 where not shown.
    """

    scores: Floats
    places: Ints
    states: Ints
    prices: Floats
    clicks: Floats
    auction: Auction
    rules: Rules

    @property
    def shown(self) -> NDArray[np.bool_]:
        """(pairs,) whether the ad won a slot."""
        return np.asarray(self.states == SHOWN)

    @property
    def revenue(self) -> Floats:
        """(pairs,) expected dollars per search: clicks · price."""
        return self.clicks * self.prices

    def per_query(self, values: NDArray[Any]) -> Floats:
        """Return (queries,) sums of (pairs,) values, queries in ascending order of their ids."""
        index, queries = self.auction.groups
        summed = np.bincount(index, np.asarray(values, dtype=np.float64), minlength=queries)
        return np.asarray(summed, dtype=np.float64)

    def mean_defect(self, judge: NDArray[Any] | None = None) -> float:
        """Return the mean pDefect of the shown ads, by the auction's own model or another judge.

        judge: (pairs,) pDefect, nan where it is unknown. nan when all shown ones are unknown.
        """
        seen = (self.auction.p_defect if judge is None else np.asarray(judge))[self.shown]
        seen = seen[np.isfinite(seen)]
        return float(seen.mean()) if len(seen) else float("nan")


def simulated_market(
    grades: NDArray[np.integer[Any]], classes: int, seed: int = 0
) -> tuple[Floats, Floats]:
    """Invent (pairs,) bids and pClick for data that have none; to be shown as invented.

    Bids are log-normal around 0.80 dollars; pClick has a logit that rises by 2.85 from the worst
    grade to the best (like the bundled world's), an unlabelled pair (-1) standing between.
    """
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((2, len(grades)))
    bids = np.round(np.maximum(0.8 * np.exp(0.55 * noise[0]), 0.05), 2)
    worth = np.where(np.asarray(grades) < 0, 0.4, np.asarray(grades) / (classes - 1))
    p_click = 1 / (1 + np.exp(4.2 - 2.85 * worth - 0.3 * noise[1]))
    return bids, np.round(p_click, 4)
