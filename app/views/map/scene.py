"""The scene of the Map page: two models of the board, their maps, and the points that are shown."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app import state
from app.kit.by_hash import by_hash
from app.parts.map import Points, Texts, points_of, texts_of
from app.services import Answers, Board
from app.views.map import models
from app.views.map.queries import maps
from app.views.map.queries.maps import Drawn
from kdcore.projection.maps import TwoMaps, Way

MOST_TEXTS = 20_000  # points whose texts are sent along; of more, a click asks for them
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """What is drawn: left and right are two models' features of the board's pairs."""

    board: Board
    left: Answers
    right: Answers
    drawn: Drawn

    @property
    def maps(self) -> TwoMaps:
        """The finished maps with their numbers."""
        return self.drawn.maps

    @property
    def rows(self) -> NDArray[np.int64]:
        """(points,) the pairs of the board that are drawn."""
        return self.maps.rows

    @property
    def models(self) -> tuple[Answers, Answers]:
        """Left and right."""
        return self.left, self.right

    @property
    def names(self) -> tuple[str, str]:
        """What sentences call both models."""
        return models.short(self.board, self.left), models.short(self.board, self.right)

    @property
    def titles(self) -> tuple[str, str]:
        """What stands above both maps."""
        return models.title_of(self.board, self.left), models.title_of(self.board, self.right)

    @property
    def roles(self) -> tuple[str, str]:
        """The palette's role of both maps."""
        return models.color_roles(self.board, self.left, self.right)

    @cached_property
    def points(self) -> Points:
        """The places, as the browser part takes them."""
        return _points(self.drawn.key, self.drawn.way, self.drawn.origin, self)

    @cached_property
    def texts(self) -> Texts | None:
        """Query and ad of every point; None where there are too many to send."""
        return _texts(self.board, self) if len(self.rows) <= MOST_TEXTS else None

    @property
    def pinned(self) -> int | None:
        """The pair in focus, where it is drawn."""
        row = state.now().pair
        at = np.searchsorted(self.rows, row)
        return row if row >= 0 and at < len(self.rows) and self.rows[at] == row else None

    @property
    def made_from(self) -> str:
        """The hash line of an export."""
        hashes = (
            f"{side}={m.key} {m.hash}" for side, m in zip(models.SIDES, self.models, strict=True)
        )
        data = f"data={self.board.pairs.name} {self.board.pairs.content_hash}"
        return f"{data} {' '.join(hashes)} maps={self.drawn.key} {self.drawn.way}"


def scene_of(board: Board) -> Scene | str:
    """The scene of the present state; a sentence where a model has not scored all pairs.

    DataError where the features cannot be drawn.
    """
    sides = [models.answers_of(board, side) for side in models.SIDES]
    for side, model in zip(models.SIDES, sides, strict=True):
        if model is None:
            return models.unscored(board, side)
    left, right = sides
    assert left is not None
    assert right is not None
    return Scene(board, left, right, maps.drawn_of(left, right))


@by_hash(most=12, on=lambda key, way, origin, scene: (key, way, origin, scene.board.pairs))
def _points(key: str, way: Way, origin: str, scene: Scene) -> Points:
    layout = scene.drawn.layout
    return points_of(scene.rows, layout.first, layout.second)


@by_hash(most=6, on=lambda board, scene: (board.pairs, len(scene.rows)))
def _texts(board: Board, scene: Scene) -> Texts:
    frame = board.pairs.frame.iloc[scene.rows]
    texts = (frame["title"] + " – " + frame["description"]).str.removesuffix(" – ")
    return texts_of(frame["query"].tolist(), texts.tolist())
