"""All choices of a visitor as one frozen value, and the link that says the same.

State().ranking.k is a choice of one page, State().pair one of all pages. A choice has a path
("ranking.k", "pair") in code and a key ("k", "pair") in links.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import Any

from app.state.common import Common
from app.state.compare import Compare
from app.state.data import Data
from app.state.distill import Distill, Watch
from app.state.kinds import Kind
from app.state.learn.losses import Losses
from app.state.learn.masked_word import MaskedWord
from app.state.learn.scale import Scale
from app.state.learn.temperature import Temperature
from app.state.map import Map
from app.state.ranking import Ranking
from app.state.recipe import Recipe
from app.state.retrieval import Retrieval
from app.state.runs import Runs

VERSION = "1"
MARKS = ("v", "dh", "rh", "bids")  # parts of a link that are no choice of the visitor's
_OTHER_PARTS = (*MARKS, "kept", "q", "title", "desc")  # `kept` is read before, the rest ignored


@dataclass(frozen=True)
class State(Common):
    """One visitor's choices; the order of the pages is the order of a link's parts."""

    temperature: Temperature = field(default_factory=Temperature)
    masked_word: MaskedWord = field(default_factory=MaskedWord)
    losses: Losses = field(default_factory=Losses)
    scale: Scale = field(default_factory=Scale)
    compare: Compare = field(default_factory=Compare)
    ranking: Ranking = field(default_factory=Ranking)
    retrieval: Retrieval = field(default_factory=Retrieval)
    map: Map = field(default_factory=Map)
    runs: Runs = field(default_factory=Runs)
    watch: Watch = field(default_factory=Watch)
    data: Data = field(default_factory=Data)
    distill: Distill = field(default_factory=Distill)
    recipe: Recipe = field(default_factory=Recipe)


# fields of State that hold choices of their own, most by the name of their page
GROUPS = tuple(f.name for f in fields(State) if "kind" not in f.metadata)

FIELDS: dict[str, Kind] = {  # by path, in the order of a link
    **{f.name: f.metadata["kind"] for f in fields(State) if f.name not in GROUPS},
    **{
        f"{group}.{f.name}": f.metadata["kind"]
        for group in GROUPS
        for f in fields(getattr(State(), group))
    },
}
PATHS = {kind.key: path for path, kind in FIELDS.items()}  # by key


def value_of(state: State, path: str) -> Any:
    """The value of one choice."""
    return attrgetter(path)(state)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by path as the arguments of `change`: {"ranking.k": 5} is {"ranking": {"k": 5}}."""
    arguments: dict[str, Any] = {}
    for path, value in values.items():
        page, _, name = path.rpartition(".")
        (arguments.setdefault(page, {}) if page else arguments)[name] = value
    return arguments


def of_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by key, as a browser part sends them, as the arguments of `change`."""
    return nested({PATHS[key]: value for key, value in values.items()})


def by_path(values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `change` as values by path: the opposite of `nested`."""
    paths: dict[str, Any] = {}
    for name, value in values.items():
        if name in GROUPS:
            paths |= {f"{name}.{field}": each for field, each in value.items()}
        else:
            paths[name] = value
    return paths


def changed(state: State, **values: Any) -> State:
    """The state with some choices set; out of range is set to the bound, nonsense is left out.

    changed(state, pair=3, ranking={"k": 5})
    """
    clean = {}
    for path, value in by_path(values).items():
        with suppress(ValueError):  # what a browser sends is not trusted: the old value stays
            clean[path] = FIELDS[path].clean(value)
    arguments = nested(clean)
    for group in GROUPS:
        if group in arguments:
            arguments[group] = replace(getattr(state, group), **arguments[group])
    return replace(state, **arguments)


def defaults_of(*owners: str) -> dict[str, Any]:
    """The defaults, by path, of the choices that belong to the data or to the pair."""
    return {path: kind.default for path, kind in FIELDS.items() if kind.belongs_to in owners}


def query_of(state: State) -> dict[str, str]:
    """A state as URL parameters: `v`, and every choice that differs from its default."""
    query = {"v": VERSION}
    for path, kind in FIELDS.items():
        value = value_of(state, path)
        if value != kind.default:
            query[kind.key] = kind.show(value)
    return query


def state_of(query: Mapping[str, str]) -> tuple[State, list[str]]:
    """The state of a link's parameters, and a sentence for each part that had to be left out."""
    values, problems = {}, []
    version = query.get("v", VERSION)
    if version != VERSION:
        problems.append(f"this link is of version {version[:20]!r}; this lab reads {VERSION}")
    for key, raw in query.items():
        if key in PATHS:
            try:
                values[PATHS[key]] = FIELDS[PATHS[key]].parse(raw)
            except ValueError as cause:
                problems.append(f"{key}: {cause}")
        elif key not in _OTHER_PARTS and not key.startswith("embed"):
            problems.append(f"{key[:40]!r} is no part of a link of this lab")
    return changed(State(), **nested(values)), problems
