"""The texts of the board's pairs, the maps of their vectors, and what is said of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app import state
from app.kit.by_hash import by_hash
from app.kit.texts import by_chance, percent
from app.parts.map import (
    Color,
    Neighbor,
    Pinned,
    Points,
    Texts,
    color_by_class,
    color_by_number,
    points_of,
    texts_of,
)
from app.services import Answers, Board
from app.services.selection import picked
from app.views.map import models
from app.views.map.queries import maps
from app.views.map.queries.maps import Drawn
from kdcore.catalog import student_entry
from kdcore.errors import DataError, UnknownNameError
from kdcore.predictions import WEIGHTS
from kdcore.projection.maps import TwoMaps
from kdcore.projection.texts import TextPoints
from kdcore.runs.store import Run

Ints = NDArray[np.int64]
COLORS = {"overlap": "Neighbors in common", "kind": "Query or ad", "density": "Density of points"}


@dataclass(frozen=True)
class TextScene:
    """The texts of the board's pairs, and the maps of two models' vectors."""

    board: Board
    models: tuple[Answers, Answers]
    texts: TextPoints
    drawn: Drawn

    @property
    def maps(self) -> TwoMaps:
        """The finished maps."""
        return self.drawn.maps

    @property
    def titles(self) -> tuple[str, str]:
        """What stands above both maps."""
        left, right = (models.title_of(self.board, model) for model in self.models)
        return left, right

    @property
    def roles(self) -> tuple[str, str]:
        """The palette's role of both maps."""
        return models.color_roles(self.board, *self.models)


def refusal(model: Answers | None) -> str:
    """Why a model has no vectors of single texts; "" where it has."""
    if model is None or model.run is None:
        return "Queries and ads need two models that were trained here; choose others."
    try:
        entry = student_entry(model.run.model_name)
    except UnknownNameError:
        return f"{model.title} is no model of this lab, so it cannot embed single texts."
    if not entry.separable:
        return (
            f"{model.title} reads query and ad together, so neither has a vector of its own. "
            "Choose two-tower models for both maps."
        )
    if not (model.run.model_folder / WEIGHTS).is_file():
        return f"{model.title} has no stored model here, so it cannot embed single texts."
    return ""


def run_of(model: Answers) -> Run:
    """The run behind a model that `refusal` let pass."""
    if model.run is None:
        raise DataError(f"{model.title} has no run")
    return model.run


@by_hash(most=6, on=lambda board: board.pairs)
def texts_of_board(board: Board) -> TextPoints:
    """The distinct queries and ads of the board's pairs."""
    return TextPoints.of(board.pairs)


def sentence(scene: TextScene) -> str:
    """How far the two models agree on single texts, and whether queries and ads mix."""
    geometry = scene.maps.geometry
    low, high = _interval(scene)
    mixed = [ads_near_queries(scene, side) for side in (0, 1)]
    left, right = (models.short(scene.board, model) for model in scene.models)
    return (
        f"Of a text's {geometry.k} nearest texts, {left} and {right} share "
        f"{100 * geometry.overlap:.1f} % [{100 * low:.1f}, {100 * high:.1f}] (n = "
        f"{geometry.n:,} queries and ads; {by_chance(geometry.chance)} by chance). Of a "
        f"query's {geometry.k} nearest texts, {100 * mixed[0]:.0f} % are ads in the space of "
        f"{left} and {100 * mixed[1]:.0f} % in that of {right}; "
        f"{100 * _ads(scene):.0f} % of all texts are ads."
    )


def ads_near_queries(scene: TextScene, side: int) -> float:
    """The mean share of ads among the nearest texts of a query; nan without neighbors."""
    ids = scene.maps.neighbors
    if ids is None:
        return float("nan")
    rows, queries = scene.maps.rows, len(scene.texts.queries)
    near = rows[ids[side][rows < queries]]
    return float((near >= queries).mean())


def _ads(scene: TextScene) -> float:
    return float((scene.maps.rows >= len(scene.texts.queries)).mean())


def _interval(scene: TextScene) -> tuple[float, float]:
    return maps.interval_of(scene.maps.shared, scene.maps.rows)


@by_hash(most=6, on=lambda scene: (scene.drawn.key, scene.drawn.way))
def placed(scene: TextScene) -> Points:
    """The places, as the browser part takes them."""
    return points_of(scene.maps.rows, scene.drawn.layout.first, scene.drawn.layout.second)


def color_of(scene: TextScene) -> Color | None:
    """The present color; None draws the density."""
    name = state.now().map.color if state.now().map.color in COLORS else next(iter(COLORS))
    if name == "overlap":
        title = f"Share of {scene.maps.geometry.k} neighbors in common"
        return color_by_number(title, 100 * scene.maps.shared, 0, low=0.0, unit=" %")
    if name == "density":
        return None
    codes = (scene.maps.rows >= len(scene.texts.queries)).astype(np.int64)
    return color_by_class(COLORS["kind"], codes, ["query", "ad"], ["teacher", "student"])


def _title(texts: TextPoints, point: int) -> str:
    """What a point is called."""
    if point < len(texts.queries):
        return f"query: {texts.queries[point]}"
    return f"ad: {texts.ads[point - len(texts.queries)][0]}"


@by_hash(most=6, on=lambda scene: (scene.texts, scene.drawn.key))
def texts(scene: TextScene) -> Texts:
    """The texts, as the browser part takes them."""
    return texts_of(*titles_of(scene))


def titles_of(scene: TextScene) -> tuple[list[str], list[str]]:
    """What each point is called, and the description of an ad."""
    texts, queries = scene.texts, len(scene.texts.queries)
    points = scene.maps.rows.tolist()
    descriptions = ["" if p < queries else texts.ads[p - queries][1] for p in points]
    return [_title(texts, point) for point in points], descriptions


def matches(scene: TextScene) -> Ints:
    """The points whose text holds every searched word."""
    words = state.now().map.find.lower().split()
    if not words:
        return np.zeros(0, dtype=np.int64)
    titles, texts = titles_of(scene)
    lines = (f"{title} {text}".lower() for title, text in zip(titles, texts, strict=True))
    inside = np.array([all(word in line for word in words) for line in lines], dtype=bool)
    return np.asarray(scene.maps.rows[inside])


def card_of(scene: TextScene, point: int) -> Pinned:
    """The text in focus and its nearest in both original spaces."""
    rows, texts = scene.maps.rows, scene.texts
    place = int(np.searchsorted(rows, point))
    sides = []
    for ids in scene.maps.neighbors or ():
        near = rows[ids[place]].tolist()
        sides.append(tuple(Neighbor(each, _title(texts, each)) for each in near))
    share = float(scene.maps.shared[place])
    left, right = sides if len(sides) == 2 else ((), ())
    text = "" if point < len(texts.queries) else texts.ads[point - len(texts.queries)][1]
    facts = (("neighbors in common", percent(share)),)
    return Pinned(point, _title(texts, point), text, facts, left=left, right=right)


def picked_points(scene: TextScene) -> Ints:
    """The queries and ads that the visitor picked."""
    digest = state.now().map.selected
    ids = picked.fetch(digest, scene.texts.content_hash) if digest else None
    return np.zeros(0, dtype=np.int64) if ids is None else ids


def pairs_of(texts: TextPoints, points: Ints) -> Ints:
    """The pairs whose query or ad is among some points; both where queries and ads are."""
    queries = np.isin(texts.query_of, points)
    ads = np.isin(texts.ad_of, points)
    both = bool((points < len(texts.queries)).any()) and bool((points >= len(texts.queries)).any())
    return np.flatnonzero(queries & ads if both else queries | ads)


def table(scene: TextScene) -> pd.DataFrame:
    """The overlap of queries and of ads, and how many of their neighbors are ads."""
    queries, rows = len(scene.texts.queries), scene.maps.rows
    groups: Mapping[str, NDArray[np.bool_]] = {"queries": rows < queries, "ads": rows >= queries}
    lines = []
    for name, inside in groups.items():
        if not inside.any():
            continue
        low, high = maps.interval_of(scene.maps.shared[inside], rows[inside])
        share = float(scene.maps.shared[inside].mean())
        lines.append(
            {"texts": name, "n": int(inside.sum()), "overlap": share, "low": low, "high": high}
        )
    return pd.DataFrame(lines)
