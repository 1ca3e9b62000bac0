"""Read the world's catalogue: all words and numbers of data/ as plain tables of indices."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from kdcore.errors import DataError

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
RELATIONS = ("same", "sibling", "complement", "vertical", "other")
SAME, SIBLING, COMPLEMENT, VERTICAL, OTHER = range(5)
LADDER = (5, 8, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 250, 300, 400, 500, 600, 800)
"""Prices in dollars that caps and offers use; larger ones are these times a power of ten."""
STEPS = 7  # prices a family spans

Entry = tuple[int, tuple[str, ...], list[str]]  # family, names, names of complements
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Pick:
    """Ragged lists of indices, padded: row r holds count[r] members, the first drawn most often."""

    table: Ints
    count: Ints

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> "Pick":
        """Pad lists with -1."""
        table = np.full((len(rows), max(1, max(map(len, rows)))), -1, dtype=np.int64)
        for r, row in enumerate(rows):
            table[r, : len(row)] = row
        return cls(table, np.array([len(row) for row in rows], dtype=np.int64))

    def draw(self, rows: Ints, u: NDArray[np.float64], skew: float = 1.0) -> Ints:
        """Pick (n,) members of the rows by uniform numbers, -1 for an empty row; skew favors heads.

        A skew is a power of u, so that 2 gives the first quarter of a row half of the draws.
        """
        count = self.count[rows]
        place = np.minimum((count * u**skew).astype(np.int64), np.maximum(count - 1, 0))
        return self.table[rows, place]


@dataclass(frozen=True)
class Catalogue:
    """Everything in the world; each facet is an index into one of these tuples.

    relation: (types, types) index into RELATIONS, seen from the first type.
    prices: (families, STEPS) dollars, rising. intent_share: (classes, intents) cumulative.
    """

    verticals: tuple[str, ...]
    families: tuple[str, ...]
    brands: tuple[str, ...]
    places: tuple[str, ...]
    kinds: tuple[str, ...]
    intents: tuple[str, ...]
    classes: tuple[str, ...]
    type_names: tuple[tuple[str, ...], ...]
    value_names: tuple[tuple[str, ...], ...]
    kind_ads: tuple[tuple[str, ...], ...]
    vertical_phrases: tuple[tuple[str, ...], ...]
    type_family: Ints
    type_vertical: Ints
    family_class: Ints
    family_local: NDArray[np.bool_]
    brand_vertical: Ints
    value_kind: Ints
    prices: Ints
    bids: Ints
    relation: Ints
    siblings: Pick
    complements: Pick
    neighbors: Pick
    lookalikes: Pick
    vertical_brands: Pick
    family_kinds: Pick
    family_excludable: Pick
    kind_values: Pick
    kind_requested: Pick
    kind_excludable: Pick
    intent_share: NDArray[np.float64]
    texts: dict[str, Any]

    def intent(self, name: str) -> int:
        """Return the index of an intent."""
        return self.intents.index(name)


@cache
def read(name: str) -> Any:
    """Read one data file, once; nothing may change what it returns."""
    path = files(__package__).joinpath("data", f"{name}.yaml")
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)


@cache
def catalogue() -> Catalogue:
    """Read the catalogue, once. Raises DataError that names every word that does not fit."""
    folder = files(__package__).joinpath("data")
    names = sorted(f.name[:-5] for f in folder.iterdir() if f.name.startswith("vertical_"))
    verticals = [read(name) for name in names]
    attributes = read("attributes")
    families = [(v, name, f) for v, d in enumerate(verticals) for name, f in d["families"].items()]
    entries = [(f, *_entry(line)) for f, (_, _, d) in enumerate(families) for line in d["types"]]
    first = {names[0]: t for t, (_, names, _) in enumerate(entries)}
    _check(entries, first, families, attributes)
    intents = read("intents")
    weights, classes = intents["weights"], tuple(intents["weights"])
    shares = [[weights[c].get(intent, 0) for intent in intents["order"]] for c in classes]
    brands = [(v, b) for v, d in enumerate(verticals) for b in d["brands"]]
    return Catalogue(
        verticals=tuple(d["name"] for d in verticals),
        families=tuple(name for _, name, _ in families),
        brands=tuple(b for _, b in brands),
        places=tuple(read("places")["places"]),
        intents=tuple(intents["order"]),
        classes=classes,
        vertical_phrases=tuple(tuple(d["phrases"]) for d in verticals),
        family_class=np.array([classes.index(d["class"]) for _, _, d in families]),
        family_local=np.array([bool(d.get("local")) for _, _, d in families]),
        brand_vertical=np.array([v for v, _ in brands]),
        prices=np.array([_prices(*d["price"]) for _, _, d in families]),
        bids=np.array([d["bid"] for d in verticals]),
        vertical_brands=_grouped(np.array([v for v, _ in brands]), len(verticals)),
        intent_share=np.array(shares, dtype=np.float64),
        texts={"intents": intents} | {n: read(n) for n in ("phrases", "names")},
        **_type_tables(entries, first, [v for v, _, _ in families]),
        **_attribute_tables(attributes, [d["kinds"] for _, _, d in families]),
    )


def _type_tables(entries: list[Entry], first: dict[str, int], verticals: list[int]) -> Any:
    family = np.array([f for f, _, _ in entries])
    vertical = np.array(verticals)[family]
    complements = [[first[c] for c in requested] for _, _, requested in entries]
    relation = _relation(family, vertical, complements)
    return {
        "type_names": tuple(names for _, names, _ in entries),
        "type_family": family,
        "type_vertical": vertical,
        "relation": relation,
        "siblings": _matching(relation == SIBLING),
        "complements": Pick.of(complements),
        "neighbors": _matching(relation == VERTICAL),
        "lookalikes": _lookalikes([names for _, names, _ in entries], relation),
    }


def _attribute_tables(attributes: dict[str, Any], family_kinds: list[list[str]]) -> Any:
    kinds = tuple(attributes)
    values = [(k, v) for k, kind in enumerate(kinds) for v in attributes[kind]["values"]]
    value_kind = np.array([k for k, _ in values])
    rows = [[kinds.index(k) for k in names] for names in family_kinds]
    named = [
        {_bars(v)[0]: i for i, (k, v) in enumerate(values) if k == kind}
        for kind in range(len(kinds))
    ]
    without = [_chosen(attributes[k].get("without", []), named[i]) for i, k in enumerate(kinds)]
    unwanted = [_chosen(attributes[k].get("unwanted", []), named[i]) for i, k in enumerate(kinds)]
    return {
        "kinds": kinds,
        "value_names": tuple(_bars(v) for _, v in values),
        "kind_ads": tuple(tuple(attributes[k]["ad"]) for k in kinds),
        "value_kind": value_kind,
        "family_kinds": Pick.of(rows),
        "family_excludable": Pick.of([[k for k in row if without[k]] for row in rows]),
        "kind_values": _grouped(value_kind, len(kinds)),
        "kind_excludable": Pick.of(without),
        "kind_requested": Pick.of(
            [
                [v for v in group.values() if v not in bad]
                for group, bad in zip(named, unwanted, strict=True)
            ]
        ),
    }


def _chosen(names: list[str] | bool, values: dict[str, int]) -> list[int]:
    """Return the named values, or all of them for true."""
    return list(values.values()) if names is True else [values[n] for n in names or []]


def _bars(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in str(text).split("|"))


def _entry(line: str) -> tuple[tuple[str, ...], list[str]]:
    names, _, requested = line.partition(">")
    return _bars(names), [c.strip() for c in requested.split(",") if c.strip()]


def _check(
    entries: list[Entry],
    first: dict[str, int],
    families: list[tuple[int, str, Any]],
    attributes: dict[str, Any],
) -> None:
    problems: list[str] = []
    owner: dict[str, str] = {}
    for _, names, requested in entries:
        problems += [f"{names[0]}: no type is called {c!r}" for c in requested if c not in first]
        for name in names:
            if owner.setdefault(name, names[0]) != names[0]:
                problems.append(f"{name!r} names both {owner[name]} and {names[0]}")
    for _, name, data in families:
        problems += [f"{name}: no attribute {k!r}" for k in data["kinds"] if k not in attributes]
    if problems:
        raise DataError("The bundled world's catalogue does not fit together:", problems)


def _relation(family: Ints, vertical: Ints, complements: list[list[int]]) -> Ints:
    relation = np.full((len(family), len(family)), OTHER, dtype=np.int64)
    relation[vertical[:, None] == vertical] = VERTICAL
    relation[family[:, None] == family] = SIBLING
    for t, others in enumerate(complements):
        relation[t, others] = COMPLEMENT
    np.fill_diagonal(relation, SAME)
    return relation


def _matching(mask: NDArray[np.bool_]) -> Pick:
    return Pick.of([np.flatnonzero(row).tolist() for row in mask])


def _grouped(group: Ints, groups: int) -> Pick:
    return Pick.of([np.flatnonzero(group == g).tolist() for g in range(groups)])


def _lookalikes(names: list[tuple[str, ...]], relation: Ints) -> Pick:
    words = [{w for name in group for w in name.split() if len(w) > 3} for group in names]
    rows = []
    for t, mine in enumerate(words):
        near = [
            o for o, theirs in enumerate(words) if mine & theirs and relation[t, o] > COMPLEMENT
        ]
        rows.append(near or np.flatnonzero(relation[t] == VERTICAL).tolist())
    return Pick.of(rows)


def _prices(low: float, high: float) -> list[int]:
    ladder = [p * 10**e for e in range(4) for p in LADDER if e == 0 or p >= 100]
    ladder = sorted(set(ladder))
    steps = [low * (high / low) ** (s / (STEPS - 1)) for s in range(STEPS)]
    return [min(ladder, key=lambda p: abs(p / step - 1)) for step in steps]
