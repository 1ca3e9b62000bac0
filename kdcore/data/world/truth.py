"""Compute the exact P(grade) of an offer for a need from its utility, in whole numbers only."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kdcore.data.world.catalogue import RELATIONS, Bools, Ints, catalogue, read
from kdcore.data.world.needs import NONE, Needs
from kdcore.data.world.offers import Offers

LIMIT = 3000  # utilities beyond 30 logits are as good as certain
MILLION = 1_000_000
UNASKED, MATCH, UNSAID, CONFLICT = range(4)
AGREEMENT = ("not asked", "match", "not said", "conflict")


@dataclass(frozen=True)
class Agreement:
    """How an offer matches each facet of a need: UNASKED, MATCH, UNSAID or CONFLICT, (pairs,).

    relation: index into RELATIONS. excluded: CONFLICT when the ad has what was ruled out.
    """

    relation: Ints
    brand: Ints
    value_1: Ints
    value_2: Ints
    excluded: Ints
    place: Ints
    price: Ints


def agreement(needs: Needs, offers: Offers) -> Agreement:
    """Compare needs and offers row by row."""
    cat = catalogue()
    return Agreement(
        relation=cat.relation[needs.type, offers.type],
        brand=_compare(needs.brand, offers.brand),
        value_1=_value(needs.value_1, offers),
        value_2=_value(needs.value_2, offers),
        # an ad with the value that was ruled out is in conflict
        excluded=np.array([UNASKED, CONFLICT, UNSAID, MATCH])[_value(needs.excluded, offers)],
        place=_compare(needs.place, offers.place),
        price=_state(needs.cap != NONE, offers.price <= needs.cap, offers.price == NONE),
    )


def utility(needs: Needs, offers: Offers) -> Ints:
    """Return (pairs,) utilities in hundredths of a logit, row by row."""
    cat, rule, agree = catalogue(), read("truth"), agreement(needs, offers)
    local = cat.family_local[cat.type_family[needs.type]]
    facets = _points("brand", agree.brand) + _points("price", agree.price)
    facets += _points("attribute", agree.value_1) + _points("attribute", agree.value_2)
    facets += _points("excluded", agree.excluded)
    facets += np.where(local, _points("local_place", agree.place), _points("place", agree.place))
    conflicts = sum(
        (getattr(agree, name) == CONFLICT).astype(np.int64)
        for name in ("brand", "value_1", "value_2", "excluded", "place", "price")
    )
    facets += np.where(conflicts >= 2, rule["two_conflicts"], 0)
    facets += rule["narrower"] * _narrower(needs, offers, agree)
    second_hand = (needs.new_only == 1) & (offers.kind == cat.intent("used"))
    facets += np.where(second_hand, rule["new_only"]["used"], 0)
    cheap = needs.intent == cat.intent("cheap")
    luxury = _luxury()
    is_luxury = (offers.value_1 == luxury) | (offers.value_2 == luxury)
    facets += np.where(cheap & is_luxury, rule["cheap_and_luxury"], 0)
    total = _by_name("relation", agree.relation) + _intent_points()[needs.intent, offers.kind]
    total += facets * _by_name("facet_weight", agree.relation) // 100
    total = _login(needs, offers, agree, total)
    return np.asarray(np.clip(total + rule["spam"] * offers.spam, -LIMIT, LIMIT), dtype=np.int64)


def grade_probabilities(utilities: Ints) -> NDArray[np.float64]:
    """Return (pairs, 4) P(grade) in whole millionths, so that rows sum to one on any machine."""
    return grade_table()[utilities + LIMIT]


def truth(needs: Needs, offers: Offers) -> NDArray[np.float64]:
    """Return (needs, offers, 4) exact P(grade) of every need with every offer.

    Memory is 32 bytes a pair times a few; give needs in groups when both are many.
    """
    rows = np.repeat(np.arange(len(needs)), len(offers))
    columns = np.tile(np.arange(len(offers)), len(needs))
    table = grade_probabilities(utility(needs.take(rows), offers.take(columns)))
    return table.reshape(len(needs), len(offers), -1)


def sample_grades(probabilities: NDArray[np.float64], u: NDArray[np.float64]) -> Ints:
    """Draw (pairs,) observed grades: a label is a single draw from the truth."""
    cumulative = np.round(np.cumsum(probabilities, axis=1) * MILLION)[:, :-1]
    return np.asarray((u[:, None] * MILLION >= cumulative).sum(axis=1), dtype=np.int64)


@cache
def grade_table() -> NDArray[np.float64]:
    """Tabulate (2 LIMIT + 1, 4) P(grade) for every whole utility."""
    steps = np.arange(-LIMIT, LIMIT + 1)[:, None] - np.array(read("truth")["thresholds"])
    at_least = np.round(MILLION / (1.0 + np.exp(-steps / 100.0)))
    edges = np.hstack([np.full((len(steps), 1), MILLION), at_least, np.zeros((len(steps), 1))])
    return np.asarray((edges[:, :-1] - edges[:, 1:]) / MILLION)


@cache
def _intent_points() -> Ints:
    rows = read("truth")["intent"]
    return np.array([rows[name] for name in catalogue().intents], dtype=np.int64)


def _by_name(name: str, relation: Ints) -> Ints:
    return np.array([read("truth")[name][r] for r in RELATIONS], dtype=np.int64)[relation]


def _points(name: str, state: Ints) -> Ints:
    rule = read("truth")[name]
    match = rule.get("match", rule.get("respected"))
    conflict = rule.get("conflict", rule.get("violated"))
    return np.array([0, match, rule["unsaid"], conflict], dtype=np.int64)[state]


def _state(requested: Bools, agrees: Bools, unsaid: Bools) -> Ints:
    outcome = np.where(agrees, MATCH, CONFLICT)
    return np.where(requested, np.where(unsaid, UNSAID, outcome), UNASKED)


def _compare(requested: Ints, has: Ints) -> Ints:
    return _state(requested != NONE, requested == has, has == NONE)


def _same_kind(value: Ints, other: Ints) -> Bools:
    kinds = catalogue().value_kind
    return np.asarray((value != NONE) & (other != NONE) & (kinds[value] == kinds[other]))


def _value(requested: Ints, offers: Offers) -> Ints:
    has = (offers.value_1, offers.value_2)
    agrees = (has[0] == requested) | (has[1] == requested)
    is_stated = _same_kind(has[0], requested) | _same_kind(has[1], requested)
    return _state(requested != NONE, agrees, ~agrees & ~is_stated)


def _narrower(needs: Needs, offers: Offers, agree: Agreement) -> Ints:
    count = np.zeros(len(offers), dtype=np.int64)
    for value in (offers.value_1, offers.value_2):
        requested = _same_kind(value, needs.value_1) | _same_kind(value, needs.value_2)
        count += (value != NONE) & ~requested & ~_same_kind(value, needs.excluded)
    return count


@cache
def _luxury() -> int:
    names = [names[0] for names in catalogue().value_names]
    return names.index(read("truth")["luxury"])


def _login(needs: Needs, offers: Offers, agree: Agreement, total: Ints) -> Ints:
    """Handle sign-in pages, and searches for them, which concern brands and not products."""
    login, rule = catalogue().intent("login"), read("truth")["login"]
    wants, is_page = needs.intent == login, offers.kind == login
    same = agree.brand == MATCH
    page = np.where(same, rule["match"], rule["other_login"])
    shop = np.where(same, rule["brand_shop"], rule["other"])
    total = np.where(is_page, read("truth")["login_ad"], total)
    return np.where(wants, np.where(is_page, page, shop), total)
