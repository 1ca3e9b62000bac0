"""Offers of advertisers, generated to match, nearly match or miss a need."""

from dataclasses import dataclass, replace

import numpy as np

from kdcore.data.world.catalogue import STEPS, Bools, Ints, catalogue
from kdcore.data.world.draws import Draws, Floats, choose, cumulative
from kdcore.data.world.needs import NONE, Facets, Needs, draw_values, habits, popular_types

CANDIDATES = ("exact", "one_off", "sibling", "vertical", "decoy", "random")
EXACT, ONE_OFF, SIBLING, VERTICAL, DECOY, RANDOM = range(6)


@dataclass(frozen=True)
class Offers(Facets):
    """Many offers, one column per facet; NONE (-1) where the ad does not state it.

    kind: the intent that the offer serves. price: dollars. spam: 1 for click-bait.
    All arrays have shape (offers,).
    """

    type: Ints
    kind: Ints
    brand: Ints
    value_1: Ints
    value_2: Ints
    place: Ints
    price: Ints
    spam: Ints


def draw_offers(types: Ints, draws: Draws) -> Offers:
    """Draw offers of these types, independent of any need."""
    cat, habit, n = catalogue(), habits(), len(types)
    says, skew = habit.numbers["offer"], habit.numbers["skew"]
    family = cat.type_family[types]
    kind = choose(habit.kind_share[cat.family_class[family]], draws.uniform(n))
    brand = cat.vertical_brands.draw(
        cat.type_vertical[types], draws.uniform(n), skew["brand"] / 100
    )
    value_1, value_2 = draw_values(cat.kind_values, family, draws)
    local = cat.family_local[family]
    has_place = draws.chance(n, np.where(local, says["local_place"], says["place"]))
    price = cat.prices[family, (draws.uniform(n) * STEPS).astype(np.int64)]
    return Offers(
        type=types,
        kind=kind,
        brand=np.where(draws.chance(n, says["brand"]), brand, NONE),
        value_1=np.where(draws.chance(n, says["attribute_1"]), value_1, NONE),
        value_2=np.where(draws.chance(n, says["attribute_2"]), value_2, NONE),
        place=np.where(has_place, choose(habit.place_share, draws.uniform(n)), NONE),
        price=np.where(draws.chance(n, says["price"]), price, NONE),
        spam=draws.chance(n, says["spam"]).astype(np.int64),
    )


def draw_candidates(needs: Needs, draws: Draws) -> tuple[Offers, Ints]:
    """Draw one offer per row of needs; return it and how it was chosen (index into CANDIDATES)."""
    habit, n = habits(), len(needs)
    mix = cumulative([habit.numbers["candidate"][c] for c in CANDIDATES])
    candidate = choose(mix, draws.uniform(n))
    decoy = cumulative([habit.numbers["decoy"][d] for d in ("intent", "complement", "lexical")])
    trick = np.where(candidate == DECOY, choose(decoy, draws.uniform(n)), NONE)
    types = _types(needs, candidate, trick, draws.uniform(3, n))
    free = draw_offers(types, draws)
    close = (candidate <= SIBLING) | (trick == 0)
    offers = _fitted(needs, free, close, draws)
    offers = _broken(needs, offers, candidate == ONE_OFF, draws)
    offers = _other_kind(offers, trick == 0, needs.intent, draws)
    return settle(offers, draws), candidate


def settle(offers: Offers, draws: Draws) -> Offers:
    """Make offers consistent: a kind of its class, a sign-in page of some brand."""
    cat, habit = catalogue(), habits()
    group = cat.family_class[cat.type_family[offers.type]]
    possible = cat.intent_share[group, offers.kind] > 0
    kind = np.where(possible, offers.kind, 0)
    login = kind == cat.intent("login")
    vertical, skew = cat.type_vertical[offers.type], habit.numbers["skew"]["brand"] / 100
    brand = cat.vertical_brands.draw(vertical, draws.uniform(len(offers)), skew)
    unsaid = np.full_like(kind, NONE)
    return replace(
        offers,
        kind=kind,
        brand=np.where(login & (offers.brand == NONE), brand, offers.brand),
        **{
            name: np.where(login, unsaid, getattr(offers, name))
            for name in ("value_1", "value_2", "place", "price")
        },
        # click-bait takes words that two attributes would need
        spam=np.where(login | (offers.value_2 != NONE), 0, offers.spam),
    )


def _types(needs: Needs, candidate: Ints, trick: Ints, u: Floats) -> Ints:
    cat, t = catalogue(), needs.type
    types = np.where(candidate == SIBLING, cat.siblings.draw(t, u[0]), t)
    types = np.where(candidate == VERTICAL, cat.neighbors.draw(t, u[0]), types)
    types = np.where(candidate == RANDOM, popular_types(u[1]), types)
    types = np.where(trick == 1, cat.complements.draw(t, u[2]), types)
    return np.where(trick == 2, cat.lookalikes.draw(t, u[2]), types)


def _fitted(needs: Needs, free: Offers, close: Bools, draws: Draws) -> Offers:
    """Copy the requested facets into free offers: all where close, else brand and place."""
    cat, n = catalogue(), len(needs)
    keep = draws.uniform(6, n) * 100 < habits().numbers["keep"]
    same_vertical = cat.type_vertical[free.type] == cat.type_vertical[needs.type]
    half = draws.chance(n, 50)
    brand_fits = (close | (same_vertical & half)) & (needs.brand != NONE)
    place_fits = (close | half) & (needs.place != NONE)
    kind = np.where(close | half, needs.intent, free.kind)
    asked_1, asked_2 = needs.value_1 != NONE, needs.value_2 != NONE
    value_1 = np.where(close & asked_1, np.where(keep[1], needs.value_1, NONE), free.value_1)
    value_2 = np.where(close & asked_2, np.where(keep[2], needs.value_2, NONE), free.value_2)
    value_1 = _apart(value_1, value_2, ~asked_1)
    value_2 = _apart(value_2, value_1, ~asked_2)
    value_1 = _avoiding(value_1, needs.excluded, close, keep[5])
    value_2 = _avoiding(value_2, needs.excluded, close, keep[5])
    value_1, value_2 = _instead(needs, value_1, value_2, close, draws)
    step = (draws.uniform(n) * 3).astype(np.int64)
    affordable = cat.prices[cat.type_family[needs.type], step]
    affordable = np.where(keep[4], np.minimum(affordable, needs.cap), NONE)
    return replace(
        free,
        kind=kind,
        brand=np.where(brand_fits, np.where(keep[0], needs.brand, NONE), free.brand),
        value_1=value_1,
        value_2=value_2,
        place=np.where(place_fits, np.where(keep[3], needs.place, NONE), free.place),
        price=np.where(close & (needs.cap != NONE), affordable, free.price),
    )


def _apart(value: Ints, other: Ints, free: Bools) -> Ints:
    """Drop a free value of the other's kind: an ad has one size."""
    cat = catalogue()
    clash = free & (value != NONE) & (other != NONE)
    return np.where(clash & (cat.value_kind[value] == cat.value_kind[other]), NONE, value)


def _avoiding(value: Ints, excluded: Ints, close: Bools, keep: Bools) -> Ints:
    return np.where(close & keep & (excluded != NONE) & (value == excluded), NONE, value)


def _instead(
    needs: Needs, value_1: Ints, value_2: Ints, close: Bools, draws: Draws
) -> tuple[Ints, Ints]:
    """Let half of the ads that avoid an excluded value state another one."""
    cat, n = catalogue(), len(needs)
    kind = cat.value_kind[needs.excluded]
    other = cat.kind_values.draw(kind, draws.uniform(n), habits().numbers["skew"]["value"] / 100)
    says = close & (needs.excluded != NONE) & draws.chance(n, 55) & (other != needs.excluded)
    says &= ~_of_kind(value_1, kind) & ~_of_kind(value_2, kind)
    first = says & (needs.value_1 == NONE)
    second = says & ~first & (needs.value_2 == NONE)
    return np.where(first, other, value_1), np.where(second, other, value_2)


def _of_kind(value: Ints, kind: Ints) -> Bools:
    return np.asarray((value != NONE) & (catalogue().value_kind[value] == kind))


def _broken(needs: Needs, offers: Offers, chosen: Bools, draws: Draws) -> Offers:
    """Make one facet of the chosen offers wrong, drawn among those that the need requests."""
    cat, n = catalogue(), len(needs)
    share = habits().numbers["broken"]
    requested = {
        "brand": needs.brand != NONE,
        "attribute": needs.value_1 != NONE,
        "excluded": needs.excluded != NONE,
        "place": needs.place != NONE,
        "price": needs.cap != NONE,
        "intent": np.full(n, True),
        "drop": (needs.brand != NONE) | (needs.value_1 != NONE),
    }
    weight = np.stack([share[name] * requested[name] for name in requested], axis=1)
    choice = choose(cumulative(weight.astype(np.float64)), draws.uniform(n))
    hit = {name: chosen & (choice == k) for k, name in enumerate(requested)}
    u, family = draws.uniform(4, n), cat.type_family[offers.type]
    wrong = cat.kind_values.draw(cat.value_kind[needs.value_1], u[1])
    brand = cat.vertical_brands.draw(cat.type_vertical[offers.type], u[0])
    place = (u[2] * len(cat.places)).astype(np.int64)
    dear = cat.prices[family, 3 + (u[3] * (STEPS - 3)).astype(np.int64)]
    value_1 = np.where(hit["attribute"], wrong, offers.value_1)
    value_1 = np.where(hit["drop"], NONE, value_1)
    value_2 = np.where(hit["excluded"], needs.excluded, offers.value_2)
    value_1 = _apart(value_1, value_2, hit["excluded"])
    value_2 = _apart(value_2, value_1, ~hit["excluded"] & (needs.value_2 == NONE))
    broken = replace(
        offers,
        brand=np.where(hit["drop"], NONE, np.where(hit["brand"], brand, offers.brand)),
        value_1=value_1,
        value_2=value_2,
        place=np.where(hit["place"], place, offers.place),
        price=np.where(hit["price"], np.maximum(dear, needs.cap), offers.price),
    )
    return _other_kind(broken, hit["intent"], needs.intent, draws)


def _other_kind(offers: Offers, chosen: Bools, intent: Ints, draws: Draws) -> Offers:
    """Give the chosen offers another intent than the requested one."""
    cat = catalogue()
    group = cat.family_class[cat.type_family[offers.type]]
    likely = (cat.intent_share[group] > 0).astype(np.float64)
    likely[np.arange(len(offers)), intent] = 0.0
    other = choose(cumulative(likely), draws.uniform(len(offers)))
    return replace(offers, kind=np.where(chosen, other, offers.kind))
