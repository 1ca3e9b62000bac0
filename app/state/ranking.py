"""Choices of the Ranking page."""

from dataclasses import dataclass

from app.state.kinds import choice, flag, number, numbers, text, whole

_ROLES = ("student", "teacher", "twin", "rival")


@dataclass(frozen=True)
class Ranking:
    """The two models, depth and gain, the query in view, and the auction's rules."""

    tab: str = choice("rtab", "density", ("density", "ndcg", "lists", "auction"))
    k: int = whole("k", 5, 1, 20)
    gain: str = choice("gain", "exp2", ("exp2", "linear", "own"))
    pooled: bool = flag("pooled", True)
    model_a: str = choice("rwho", "student", _ROLES)
    model_b: str = choice("against", "twin", _ROLES)
    reading: str = choice("reading", "points", ("points", "relative", "paper"))
    skill_score: bool = flag("rskill", False)
    query: int = whole("query", -1, -1, 10_000_000, belongs_to="data")
    # ranks of queries, by how much they gain, between which the list of queries shows
    brush: tuple[float, ...] = numbers("brush", 2, 0.0, 10_000_000.0, belongs_to="data")
    query_sort: str = choice("qsort", "lost", ("lost", "gained", "worst", "best", "table"))
    # the visitor's own order of the query's ads
    own_order: str = text("scratch", "", 400, belongs_to="data")
    weight: float = number("w", 0.1, 0.0, 1000.0)
    slots: int = whole("slots", 4, 1, 20)
    reserve: float = number("reserve", 0.0, 0.0, 1000.0)
    pricing: str = choice("pricing", "second", ("second", "first"))
    # the model whose pDefect ranks, and the one that counts defects
    ranker: str = choice("ranker", "student", ("teacher", "student", "twin"))
    judge: str = choice("judge", "best", ("best", "truth", "teacher", "labels"))
    # bids and clicks that the visitor wrote over
    edits: str = text("edits", "", 600, belongs_to="data")
