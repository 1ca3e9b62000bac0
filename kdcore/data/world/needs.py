"""Needs of searchers as columns of facet indices, and how they are drawn."""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Self

import numpy as np

from kdcore.data.world.catalogue import Ints, Pick, catalogue, read
from kdcore.data.world.draws import Draws, Floats, choose, cumulative, zipf
from kdcore.errors import DataError

NONE = -1


@dataclass(frozen=True)
class Facets:
    """Rows described by facets: a column per facet, NONE (-1) where it is not set."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, rows: Ints) -> Self:
        """Return the rows at these positions."""
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def describe(self, row: int) -> dict[str, str]:
        """Describe one row: facet to value, without the facets that are not set."""
        cat = catalogue()
        values = [names[0] for names in cat.value_names]
        names = {
            "type": [names[0] for names in cat.type_names],
            "intent": cat.intents,
            "kind": cat.intents,
            "brand": cat.brands,
            "place": cat.places,
            "value_1": values,
            "value_2": values,
            "excluded": values,
        }
        words = {}
        for facet in fields(self):
            value = int(getattr(self, facet.name)[row])
            if facet.name in names:
                if value != NONE:
                    words[facet.name] = names[facet.name][value]
            elif value > 0:
                words[facet.name] = "yes" if facet.name in ("new_only", "spam") else f"${value}"
        return words


@dataclass(frozen=True)
class Needs(Facets):
    """Many needs, one column per facet; NONE (-1) where any value will do.

    type, intent: always set. value_1, value_2, excluded: attribute values (of different kinds);
    cap: dollars. new_only: 1 rules out second-hand things. All arrays have shape (needs,).
    """

    type: Ints
    intent: Ints
    brand: Ints
    value_1: Ints
    value_2: Ints
    excluded: Ints
    new_only: Ints
    place: Ints
    cap: Ints


@dataclass(frozen=True)
class Habits:
    """traffic.yaml with its shares cumulated."""

    numbers: dict[str, Any]
    type_share: Floats
    type_order: Ints
    place_share: Floats
    intent_share: Floats
    kind_share: Floats


@cache
def habits() -> Habits:
    """How the world behaves, read once."""
    cat, numbers = catalogue(), read("traffic")
    skew = {name: percent / 100 for name, percent in numbers["skew"].items()}
    types = len(cat.type_names)
    offered = np.array([numbers["kind"][intent] for intent in cat.intents], dtype=np.float64)
    return Habits(
        numbers=numbers,
        type_share=zipf(types, skew["type"], numbers["head"]["type"]),
        type_order=_popularity([names[0] for names in cat.type_names], numbers["popular"]),
        place_share=zipf(len(cat.places), skew["place"], numbers["head"]["place"]),
        intent_share=cumulative(cat.intent_share),
        kind_share=cumulative(np.where(cat.intent_share > 0, offered, 0.0)),
    )


def _popularity(types: list[str], popular: list[str]) -> Ints:
    """Types from most to least searched: those named, then the rest mixed by a fixed stride."""
    missing = [name for name in popular if name not in types]
    if missing:
        raise DataError("Some popular types are not in the catalogue:", missing)
    first = [types.index(name) for name in popular]
    stride = np.argsort(np.arange(len(types)) * 7919 % 10_007, kind="stable")
    return np.concatenate([first, stride[~np.isin(stride, first)]]).astype(np.int64)


def popular_types(u: Floats) -> Ints:
    """Draw (n,) product types, a few of them often."""
    return habits().type_order[choose(habits().type_share, u)]


def draw_values(values: Pick, family: Ints, draws: Draws) -> tuple[Ints, Ints]:
    """Draw two (n,) columns of values of two different kinds that the family has."""
    cat = catalogue()
    u, count = draws.uniform(4, len(family)), cat.family_kinds.count[family]
    skew = habits().numbers["skew"]["value"] / 100
    first = (u[0] * count).astype(np.int64)
    second = (first + 1 + (u[1] * (count - 1)).astype(np.int64)) % count
    kinds = cat.family_kinds.table
    return (
        values.draw(kinds[family, first], u[2], skew),
        values.draw(kinds[family, second], u[3], skew),
    )


def draw_needs(n: int, draws: Draws) -> Needs:
    """Draw needs with the frequencies of searchers."""
    cat, habit = catalogue(), habits()
    asks, skew = habit.numbers["need"], habit.numbers["skew"]
    types = popular_types(draws.uniform(n))
    family = cat.type_family[types]
    intent = choose(habit.intent_share[cat.family_class[family]], draws.uniform(n))
    is_ = {name: intent == k for k, name in enumerate(cat.intents)}
    plain = is_["buy"] | is_["cheap"] | is_["compare"]
    goods = plain | is_["used"] | is_["rent"]
    brand = cat.vertical_brands.draw(
        cat.type_vertical[types], draws.uniform(n), skew["brand"] / 100
    )
    wants_brand = draws.chance(n, asks["brand"]) | is_["login"]
    value_1, value_2 = draw_values(cat.kind_requested, family, draws)
    value_1 = np.where(draws.chance(n, asks["attribute_1"]) & goods, value_1, NONE)
    value_2 = np.where(draws.chance(n, asks["attribute_2"]) & plain, value_2, NONE)
    excluded_kind = cat.family_excludable.draw(family, draws.uniform(n))
    excluded = cat.kind_excludable.draw(excluded_kind, draws.uniform(n), skew["value"] / 100)
    may = draws.chance(n, asks["excluded"]) & plain & (excluded_kind != NONE)
    new_only = (
        draws.chance(n, asks["new_only"])
        & is_["buy"]
        & (cat.intent_share[cat.family_class[family], cat.intent("used")] > 0)
    )
    local = cat.family_local[family]
    wants_place = draws.chance(n, np.where(local, asks["local_place"], asks["place"]))
    wants_place &= goods | is_["jobs"] | is_["repair"]
    cap = cat.prices[family, 2 + (draws.uniform(n) * 4).astype(np.int64)]
    return Needs(
        type=types,
        intent=intent,
        brand=np.where(wants_brand, brand, NONE),
        value_1=np.where(may & (cat.value_kind[value_1] == excluded_kind), NONE, value_1),
        value_2=np.where(may & (cat.value_kind[value_2] == excluded_kind), NONE, value_2),
        excluded=np.where(may, excluded, NONE),
        new_only=new_only.astype(np.int64),
        place=np.where(wants_place, choose(habit.place_share, draws.uniform(n)), NONE),
        cap=np.where(draws.chance(n, asks["price"]) & is_["buy"], cap, NONE),
    )
