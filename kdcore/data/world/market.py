"""Simulate the market: bids of advertisers and probabilities of clicks; none of it is real."""

import numpy as np
from numpy.typing import NDArray

from kdcore.data.world.catalogue import catalogue, read
from kdcore.data.world.draws import Draws
from kdcore.data.world.needs import NONE, Needs
from kdcore.data.world.offers import Offers


def bids(offers: Offers, draws: Draws) -> NDArray[np.float64]:
    """Draw (offers,) dollars per click, log-normal around the vertical's median, whole cents."""
    cat, rule, n = catalogue(), read("market"), len(offers)
    median = cat.bids[cat.type_vertical[offers.type]]
    share = np.array([rule["intent"][name] for name in cat.intents])[offers.kind]
    normal = draws.uniform(12, n).sum(axis=0) - 6.0
    cents = median * share / 100 * np.exp(normal * rule["spread"] / 100)
    return np.asarray(np.round(np.maximum(cents, 5.0)) / 100)


def click_probabilities(
    needs: Needs, offers: Offers, probabilities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (pairs,) P(click when shown first): it rises with the expected grade, whole 1e-4."""
    rule = read("market")["click"]
    gain = probabilities @ np.arange(probabilities.shape[1])
    logit = rule["base"] + rule["gain"] * gain + rule["spam"] * offers.spam
    logit = logit + rule["price_shown"] * (offers.price != NONE)
    branded = (offers.brand != NONE) & (offers.brand == needs.brand)
    logit = logit + rule["brand_in_title"] * branded
    return np.asarray(np.round(1.0 / (1.0 + np.exp(-logit / 100.0)), 4))
